import type { FastifyInstance } from 'fastify';
import type { Method } from '../../wire/control-paths.ts';
import { notAllowed } from '../server/other-methods.ts';
import type { FurtherCheck } from './access.ts';

/** The commands of a dialect: each may have methods of its own on `/:id`. */
export type Commands = { readonly name: string; readonly onId: readonly Method[] };

export type PresenceOptions = {
  readonly dialect: Commands;
  readonly all: readonly Commands[];
  /** May change with time: a file that is read again may bring a dialect. */
  readonly isPresent: (name: string) => boolean;
  /** The route of one connection, under every prefix that it has. */
  readonly idRoutes: ReadonlySet<string>;
};

/**
 * The commands of every dialect are registered at the start, whether a route has it or not, as a server takes no routes
 * later. While none has it they are not there: its paths are unknown. Comes before the guard, as for any unknown path.
 */
export function hideWhileAbsent(server: FastifyInstance, { dialect, isPresent, idRoutes }: PresenceOptions): void {
  server.addHook('onRequest', (request, reply, done) => {
    if (isPresent(dialect.name) || idRoutes.has(request.routeOptions.url ?? '')) return done();
    return reply.callNotFound();
  });
}

/** On `/:id` the methods of the dialects that are there are allowed, and named by a 405. Comes behind the guard, in its hook: each hook costs every push. */
export function onlyPresent({ dialect, all, isPresent, idRoutes }: PresenceOptions): FurtherCheck {
  return (request, reply) => {
    const { method } = request;
    if (isPresent(dialect.name) && dialect.onId.some((own) => own === method)) return null;
    if (!idRoutes.has(request.routeOptions.url ?? '')) return null;
    const allowed = new Set(['HEAD', ...all.flatMap(({ name, onId }) => (isPresent(name) ? onId : []))]);
    return allowed.has(method) ? null : notAllowed(request, reply, allowed);
  };
}
