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

export async function rootRoutes(server: FastifyInstance, { version, node, guard }: RootOptions): Promise<void> {
  server.get('/', { schema: rootSchema }, (request, reply) => {
    if (guard !== null && guard(request.raw) !== null) return reply.callNotFound();
    return reply.send({ name: 'wsaas', version, node, uptime: Math.floor(process.uptime()) });
  });
}
