import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CONTROL_PATH_PREFIX, namespaceOf, type UnderControlPath } from '../../wire/control-paths.ts';
import { notAllowed } from '../server/other-methods.ts';
import type { FurtherCheck } from './access.ts';
import type { Commands } from './presence.ts';

export type ControlPathOptions = {
  readonly dialect: Commands;
  readonly all: readonly Commands[];
  /** Are commands of this dialect served to the ids of this namespace? May change with time, as routes are read again. */
  readonly isServed: (dialect: string, namespace: string) => boolean;
};

const HIDDEN: object = { hide: true };
const ONE_CONNECTION = `${CONTROL_PATH_PREFIX}/:id`;

/**
 * The commands of every dialect are registered once for all control paths, those of today and of a later file. A path that
 * is none is as unknown as any other. Comes before the guard. They are the same as without one, so the OpenAPI document has them once.
 */
export function hideOtherPaths(server: FastifyInstance, { dialect, all, isServed }: ControlPathOptions): void {
  server.addHook('onRoute', (route) => {
    route.schema = { ...route.schema, ...HIDDEN };
  });
  server.addHook('onRequest', (request, reply, done) => {
    const namespace = namespaceIn(request);
    const isKnown = isOneConnection(request) ? all.some(({ name }) => isServed(name, namespace)) : isServed(dialect.name, namespace);
    if (isKnown) return done();
    return reply.callNotFound();
  });
}

/** On one connection's path the methods of the dialects that are served there are allowed, and named by a 405. Comes behind the guard, in its hook. */
export function onlyServed({ all, isServed }: ControlPathOptions): FurtherCheck {
  return (request, reply) => {
    if (!isOneConnection(request)) return null;
    const namespace = namespaceIn(request);
    const allowed = new Set(['HEAD', ...all.flatMap(({ name, onId }) => (isServed(name, namespace) ? onId : []))]);
    return allowed.has(request.method) ? null : notAllowed(request, reply, allowed);
  };
}

function namespaceIn({ params }: FastifyRequest): string {
  return namespaceOf(params as UnderControlPath);
}

function isOneConnection({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.url?.endsWith(ONE_CONNECTION) === true;
}
