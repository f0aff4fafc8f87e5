import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Command, Dispatch, OutcomeOf } from '../../core/commands.ts';
import type { Gateway } from '../../core/gateway.ts';
import { isLongId } from '../../core/ids.ts';
import { GatewayError } from '../../wire/errors.ts';
import type { HttpSockets } from '../server/http-sockets.ts';
import type { Scope } from './tokens.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Tokens of the control API with one of these scopes may ask for this. Default: by the method. */
    scopes?: readonly Scope[];
  }
}

const METHODS = 'GET, HEAD, PUT, POST, DELETE';
const HEADERS = 'authorization, content-type, idempotency-key, accept';
const PREFLIGHT_SECONDS = '600';

/** What an operator has to say before anybody may command what he can guess (docs/contract.md#who-may-call). */
export const LOCKED =
  'the control API is not opened for this: set CONTROL_ALLOW (networks of your backend), CONTROL_TOKEN (a secret), or CONTROL_PORT (a port that only your backend reaches)';

/** What else keeps a request from its route, once its caller may ask; null: nothing. */
export type FurtherCheck = (request: FastifyRequest, reply: FastifyReply) => GatewayError | null;

export type GuardedOptions = {
  readonly guard: (request: IncomingMessage, scopes: readonly Scope[]) => GatewayError | null;
  /** The sockets of callers who were let in are counted with the strangers' no longer; null: who is let in is not known by that. */
  readonly release: HttpSockets | null;
  readonly further?: FurtherCheck;
};

/**
 * Puts a guard before every route of this scope. Pages of CONTROL_ORIGINS get the answers that browsers ask for (Fetch
 * Standard, CORS).
 */
export function guardRoutes(server: FastifyInstance, { guard, release, further }: GuardedOptions): void {
  server.addHook('onRequest', (request, reply, done) => {
    const { raw } = request;
    const { origin, 'access-control-request-method': asked } = raw.headers;
    const isPreflight = request.method === 'OPTIONS' && origin !== undefined && asked !== undefined;
    const problem = guard(raw, scopesOf(request));
    if (problem !== null && !(isPreflight && problem.code === 'UNAUTHORIZED')) return done(problem); // a preflight has no credentials
    if (origin !== undefined) {
      void reply.headers({
        'Access-Control-Allow-Origin': origin,
        Vary: 'Origin',
        'Access-Control-Expose-Headers': 'Retry-After, WS-Incomplete',
      });
      if (isPreflight) {
        void reply
          .code(204)
          .headers({
            'Access-Control-Allow-Methods': METHODS,
            'Access-Control-Allow-Headers': HEADERS,
            'Access-Control-Max-Age': PREFLIGHT_SECONDS,
          })
          .send();
        return undefined;
      }
    }
    release?.release(raw.socket);
    return done(further?.(request, reply) ?? undefined);
  });
}

/** What shows is for `read`, what does something for `push`, unless the route says otherwise; what tells of one connection is for both. */
function scopesOf({ method, routeOptions: { config, url } }: FastifyRequest): readonly Scope[] {
  if (config.scopes !== undefined) return config.scopes;
  if (method !== 'GET' && method !== 'HEAD') return ['push'];
  return url?.endsWith('/:id') === true ? ['read', 'push'] : ['read'];
}

/** Until the control API is opened, what needs no unguessable id is answered 403 for everybody. */
export function lockRoutes(server: FastifyInstance): void {
  server.addHook('onRequest', (_request, _reply, done) => done(new GatewayError('FORBIDDEN', LOCKED)));
}

/** Until then commands reach only connections that have a long id of the gateway: nobody can guess one. */
export function forGivenIds({ connections, dispatch }: Pick<Gateway, 'connections' | 'dispatch'>): Dispatch {
  return <Type extends Command['type']>(command: Extract<Command, { type: Type }>): OutcomeOf<Type> | Promise<OutcomeOf<Type>> => {
    const { id } = command;
    const connection = connections.find(id);
    if (connection === undefined || connection.id === connection.key ? !isLongId(id) : true) throw new GatewayError('FORBIDDEN', LOCKED);
    return dispatch(command);
  };
}
