import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';

/** Something that may be missing: null where it is there, else what is the matter. */
export type ReadinessCheck = { readonly name: string; readonly problem: () => string | null; readonly isRequired: boolean };

export type HealthOptions = { readonly isReady: () => boolean; readonly checks: readonly ReadinessCheck[] };

const livezSchema = {
  operationId: 'livez',
  tags: ['operations'],
  summary: 'Is the process alive?',
  security: [],
  response: {
    200: Type.Object({ status: Type.String() }, { title: 'Liveness', description: 'It answers.', examples: [{ status: 'ok' }] }),
  },
};

const state = (description: string, example: object) =>
  Type.Object(
    { status: Type.Enum(['ready', 'unready']), missing: Type.Array(Type.String()), degraded: Type.Array(Type.String()) },
    { title: 'Readiness', description, examples: [example] },
  );

const readyzSchema = {
  operationId: 'readyz',
  tags: ['operations'],
  summary: 'May new clients come here?',
  security: [],
  response: {
    200: state('Yes; `degraded` names guarantees that are not kept at the moment.', { status: 'ready', missing: [], degraded: [] }),
    503: state('No; `missing` says why.', { status: 'unready', missing: ['draining'], degraded: [] }),
  },
};

/** For orchestrators: both need neither token nor allow list. */
export async function healthRoutes(server: FastifyInstance, { isReady, checks }: HealthOptions): Promise<void> {
  server.get('/livez', { schema: livezSchema }, () => ({ status: 'ok' }));

  server.get('/readyz', { schema: readyzSchema }, (_request, reply) => {
    const missing: string[] = isReady() ? [] : ['draining'];
    const degraded: string[] = [];
    for (const { name, problem, isRequired } of checks) {
      if (problem() !== null) (isRequired ? missing : degraded).push(name); // the log has the cause: it may name paths, and strangers ask here
    }
    return reply.code(missing.length === 0 ? 200 : 503).send({ status: missing.length === 0 ? 'ready' : 'unready', missing, degraded });
  });
  for (const path of ['/livez', '/readyz']) server.allowOnly(path, ['GET']);
}
