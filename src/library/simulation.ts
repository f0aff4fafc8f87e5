import { changesOf, messageOf, shown } from '../backends/handlers/frames.ts';
import { CLOSE } from '../core/close-codes.ts';
import type { Gateway as CoreGateway } from '../core/gateway.ts';
import type { Refusal } from '../core/events.ts';
import type { FoundRoute } from '../wire/client-route.ts';
import { SimulatedSocket } from './simulated-socket.ts';
import type { SimulateOptions, Simulation } from './surface.ts';

export type FindRoute = (path: string) => FoundRoute | Refusal;

/** So many ask to be let in at once. */
const WAVE = 256;
const ADDRESS = '127.0.0.1';

/**
 * Lets in clients that have no socket: everything of the gateway and its backend happens as with others, and nothing of
 * the network. (A load generator with sockets measures the machine's TCP as much as the gateway.)
 */
export async function simulate(
  gateway: { readonly gateway: CoreGateway; readonly find: FindRoute },
  count: number,
  { path = '/', query = {}, tags = {} }: SimulateOptions,
): Promise<Simulation> {
  if (!Number.isInteger(count) || count < 0) throw new TypeError(`a count must be a whole number, ${shown(count)} came`);
  const found = gateway.find(path);
  if ('type' in found) throw new TypeError(`no route has the path ${shown(path)}`);
  const { route, parameters } = found;
  const crowd = new Crowd();
  const further = changesOf(tags);
  for (let left = count; left > 0; left -= WAVE) await Promise.all(Array.from({ length: Math.min(WAVE, left) }, () => enter()));
  return crowd;

  async function enter(): Promise<void> {
    const entry = route.enter({
      parameters,
      subprotocols: [],
      authorization: null,
      remoteAddress: ADDRESS,
      userAgent: null,
      date: gateway.gateway.clock.date(),
    });
    if ('type' in entry) return crowd.turnedAway();
    const decision = await gateway.gateway.open(
      route.route,
      {
        path,
        query,
        parameters,
        headers: {},
        subprotocols: [],
        remoteAddress: ADDRESS,
        authorization: null,
        traceparent: null,
        forwarded: [],
        rawHeaders: [],
        isEncrypted: false,
        data: entry.data ?? null,
        clientId: entry.clientId,
        subprotocol: entry.subprotocol,
        tags: [...route.tags(parameters), ...further],
      },
      () => false,
    );
    if ('type' in decision) return crowd.turnedAway();
    const { connection, verdict } = decision;
    connection.attach(crowd.socket(connection), verdict);
  }
}

/** The clients of one simulation. */
class Crowd implements Simulation {
  readonly #sockets = new Set<SimulatedSocket>();
  /** Frames to those that have left. */
  #past = 0;
  #refused = 0;
  #empty: PromiseWithResolvers<void> | null = null;

  get open(): number {
    return this.#sockets.size;
  }

  get refused(): number {
    return this.#refused;
  }

  get received(): number {
    let frames = this.#past;
    for (const socket of this.#sockets) frames += socket.frames;
    return frames;
  }

  turnedAway(): void {
    this.#refused += 1;
  }

  socket(connection: ConstructorParameters<typeof SimulatedSocket>[0]): SimulatedSocket {
    const socket = new SimulatedSocket(connection, () => {
      this.#past += socket.frames;
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#empty?.resolve();
    });
    this.#sockets.add(socket);
    return socket;
  }

  say(data: string | Uint8Array): void {
    const message = messageOf(data);
    for (const socket of this.#sockets) socket.say(message);
  }

  async leave(): Promise<void> {
    if (this.#sockets.size === 0) return;
    this.#empty ??= Promise.withResolvers<void>();
    for (const socket of this.#sockets) socket.close(CLOSE.NORMAL, '');
    await this.#empty.promise;
  }
}
