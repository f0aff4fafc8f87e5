import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { errorSchema } from '../../wire/error-schemas.ts';
import type { Guard } from './guard.ts';

export type RootOptions = {
  readonly version: string;
  readonly node: string;
  /** On a port that clients share: who may not call the control API gets what any client's path gives. */
  readonly guard: Guard | null;
};

const UPGRADE = { Upgrade: { type: 'string', description: '`websocket`', examples: ['websocket'] } };

const rootSchema = {
  operationId: 'root',
  tags: ['operations'],
  summary: 'Who answers here',
  response: {
    200: Type.Object(
      { name: Type.String(), version: Type.String(), node: Type.String(), uptime: Type.Number({ description: 'Seconds.' }) },
      {
        title: 'Gateway',
        description: 'This gateway.',
        examples: [{ name: 'wsaas', version: '0.1.0', node: 'gateway-1', uptime: 3_600 }],
      },
    ),
    426: errorSchema('UPGRADE_REQUIRED: on a port that clients share, whoever may not call the control API.', UPGRADE),
  },
};

/** To be registered as a plugin of its own, whose hook is for these routes only. */
export async function rootRoutes(server: FastifyInstance, { version, node, guard }: RootOptions): Promise<void> {
  server.addHook('onRequest', (request, reply, done) => {
    if (guard === null || guard(request.raw, ['read', 'push']) === null) done();
    else reply.callNotFound();
  });
  server.get('/', { schema: rootSchema }, (_request, reply) =>
    reply.send({ name: 'wsaas', version, node, uptime: Math.floor(process.uptime()) }),
  );
  server.allowOnly('/', ['GET']);
}
