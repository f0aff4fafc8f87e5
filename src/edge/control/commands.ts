import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Dispatch } from '../../core/commands.ts';
import type { Gateway } from '../../core/gateway.ts';
import { CONTROL_PATH_PREFIX } from '../../wire/control-paths.ts';
import { GatewayError } from '../../wire/errors.ts';
import type { Tracing } from '../../wire/tracing.ts';
import type { WsUris } from '../../wire/ws-uris.ts';
import { forGivenIds, guardRoutes, LOCKED, lockRoutes, type GuardedOptions } from './access.ts';
import type { Guard } from './guard.ts';
import { hideOtherPaths, onlyServed } from './control-paths.ts';
import { hideWhileAbsent, onlyPresent, type Commands } from './presence.ts';
import { traceCommands } from './traced.ts';

type Served = {
  readonly dispatch: Dispatch;
  readonly wsUri: WsUris['of'];
  readonly othersOnId: Commands['onId'];
  readonly controls: () => ReadonlyMap<string, object>;
  readonly controlProblem: (request: IncomingMessage) => GatewayError | null;
  readonly letIn: (request: IncomingMessage) => void;
};

/** Of a dialect, what its commands need. */
type Dialect = Commands & {
  readonly hasClientIds: boolean;
  readonly hasShortIds?: boolean;
  readonly hasOwnCredentials?: boolean;
  readonly routes: (server: FastifyInstance, options: Served) => Promise<void>;
};

export type CommandsOptions = Pick<GuardedOptions, 'release'> & {
  readonly guard: Guard;
  readonly dialects: readonly Dialect[];
  /** Whose commands are served though no route has it. */
  readonly defaultDialect: string;
  /** Has a route the dialect, with this control path or (empty) without one? May change with time, as routes are read again. */
  readonly hasDialect: (name: string, controlPath: string) => boolean;
  /** What the routes of a dialect say to its commands, by their names. */
  readonly controls: (dialect: string) => ReadonlyMap<string, object>;
  readonly gateway: Gateway;
  /** Null: nobody wants spans. */
  readonly tracing: Tracing | null;
  readonly wsUris: WsUris;
  /** Has the operator said who may command what can be guessed (docs/contract.md#who-may-call)? */
  readonly isOpen: boolean;
};

/** Serves the commands of all dialects, directly under WS_HOSTNAME and under the control paths of routes. */
export async function serveCommands(server: FastifyInstance, options: CommandsOptions): Promise<void> {
  const { dialects: all, defaultDialect, hasDialect, controls, gateway, tracing, wsUris, isOpen, guard, release } = options;
  const isPresent = (name: string): boolean => name === defaultDialect || hasDialect(name, '');
  const isServed = (name: string, namespace: string): boolean =>
    hasDialect(name, namespace) || (name === defaultDialect && all.some((other) => hasDialect(other.name, namespace)));
  const prefixes = [...new Set(['', wsUris.path])];
  const idRoutes = new Set(prefixes.map((prefix) => `${prefix}/:id`));
  const dispatch = dispatchOf(
    gateway,
    () => isOpen || !all.some(({ name, hasClientIds, hasShortIds }) => (hasClientIds || hasShortIds === true) && isPresent(name)),
  );
  const controlProblem = (request: IncomingMessage): GatewayError | null =>
    guard.secret(request, request.method === 'GET' ? READ : PUSH) ?? (isOpen ? null : new GatewayError('FORBIDDEN', LOCKED));
  const letIn = ({ socket }: IncomingMessage): void => release?.release(socket);
  for (const dialect of all) {
    const othersOnId = all.flatMap((other) => (other === dialect ? [] : other.onId));
    const shared = { wsUri: wsUris.of, othersOnId, controls: () => controls(dialect.name), controlProblem, letIn };
    const isOwnJudge = dialect.hasOwnCredentials === true;
    await server.register(async (served) => {
      const presence = { dialect, all, isPresent, idRoutes };
      if (dialect.name !== defaultDialect) hideWhileAbsent(served, presence);
      guardRoutes(served, {
        guard: isOwnJudge ? guard.place : guard,
        release: isOwnJudge ? null : release,
        further: onlyPresent(presence),
      });
      traceCommands(served, tracing, gateway.connections);
      for (const prefix of prefixes)
        await served.register(dialect.routes, { ...shared, dispatch: isOwnJudge ? gateway.dispatch : dispatch, prefix });
    });
    if (isOwnJudge) continue; // its paths say themselves whose connections they mean
    await server.register(async (served) => {
      const paths = { dialect, all, isServed };
      hideOtherPaths(served, paths);
      guardRoutes(served, { guard, release, further: onlyServed(paths) });
      if (!isOpen) lockRoutes(served); // all ids there are chosen by clients
      traceCommands(served, tracing, gateway.connections);
      for (const prefix of prefixes)
        await served.register(dialect.routes, { ...shared, dispatch: gateway.dispatch, prefix: prefix + CONTROL_PATH_PREFIX });
    });
  }
}

const PUSH = ['push'] as const;
/** What tells of one connection. */
const READ = ['read', 'push'] as const;

/** A file that is read again may bring ids that can be guessed. */
function dispatchOf(gateway: Gateway, isFree: () => boolean): Dispatch {
  const careful = forGivenIds(gateway);
  return (command) => (isFree() ? gateway.dispatch(command) : careful(command));
}
