import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** A server that may be asked which requests it takes for upgrades: Node's, since 24.9. */
type Upgrading = Server & { shouldUpgradeCallback: (request: IncomingMessage) => boolean };

type Emit = (name: string, ...parts: unknown[]) => boolean;

export type DivertOptions = {
  /** Where upgrades of ours go. It listens nowhere. */
  readonly to: Server;
  /** Is the path of this request one of ours? */
  readonly owns: (request: IncomingMessage) => boolean;
};

/**
 * Takes upgrades on our paths from the server of an application, and leaves all others to it as if nothing were there: those that
 * it listens for, and those that it answers as plain requests. A listener of our own could not do that, as all listeners
 * get every upgrade. Returns what gives them back.
 *
 * `emit` and `shouldUpgradeCallback` are Node 24's; to go when a listener can say that an upgrade is its own (test/library/fastify.test.ts).
 */
export function divertUpgrades(host: Server, { to, owns }: DivertOptions): () => void {
  const application = host as Upgrading;
  const ours = to as Upgrading;
  const { shouldUpgradeCallback } = application;
  const emit = application.emit.bind(application) as Emit;
  const ownEmit = Object.getOwnPropertyDescriptor(application, 'emit');
  const isOurs = (request: IncomingMessage): boolean => owns(request) && ours.shouldUpgradeCallback(request);
  const isAlone = (): boolean => application.listenerCount('upgrade') === 1;
  application.shouldUpgradeCallback = (request) => isOurs(request) || (!isAlone() && shouldUpgradeCallback.call(application, request));
  application.emit = (name: string, ...parts: unknown[]): boolean => {
    if (name === 'upgrade' && isOurs(parts[0] as IncomingMessage)) return (ours.emit as Emit).call(ours, name, ...parts);
    return emit(name, ...parts);
  };
  // Node wants a listener; what comes only to this one nobody wants
  const unwanted = (_request: IncomingMessage, socket: Duplex): void => {
    if (isAlone()) socket.destroy();
  };
  application.on('upgrade', unwanted);
  return () => {
    application.off('upgrade', unwanted);
    application.shouldUpgradeCallback = shouldUpgradeCallback;
    if (ownEmit === undefined) Reflect.deleteProperty(application, 'emit');
    else Object.defineProperty(application, 'emit', ownEmit);
  };
}
