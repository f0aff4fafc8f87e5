import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../../wire/errors.ts';
import type { Guard } from './guard.ts';

/** Of a dialect, what its commands need: each may have methods of its own on `/:id`. */
type Commands = { readonly name: string; readonly onId: readonly string[] };

export type PresenceOptions = {
  readonly dialect: Commands;
  readonly all: readonly Commands[];
  /** May change with time: a file that is read again may bring a dialect. */
  readonly isPresent: (name: string) => boolean;
  readonly guard: Guard;
  /** The route of one connection, under every prefix that it has. */
  readonly idRoutes: ReadonlySet<string>;
};

type Hook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

/**
 * Guards the commands of one dialect. They are registered at the start, whether a route has it or not, as a server takes
 * no routes later; while none has it they are not there: their paths are unknown, their methods on `/:id` are 405.
 */
export function presenceHook({ dialect, all, isPresent, guard, idRoutes }: PresenceOptions): Hook {
  return (request, reply, done) => {
    const { method } = request;
    const isHere = isPresent(dialect.name);
    if (isHere && dialect.onId.includes(method)) return done(guard(request) ?? undefined);
    const isOnId = idRoutes.has(request.routeOptions.url ?? '');
    if (!isHere && !isOnId) return reply.callNotFound();
    const refusal = guard(request);
    if (refusal !== null || !isOnId) return done(refusal ?? undefined);
    const allowed = new Set(['HEAD', ...all.flatMap(({ name, onId }) => (isPresent(name) ? onId : []))]);
    if (isHere && allowed.has(method)) return done();
    const list = [...allowed].toSorted().join(', ');
    void reply.header('Allow', list);
    return done(new GatewayError('METHOD_NOT_ALLOWED', `${method} is not allowed here; allowed: ${list}`));
  };
}
