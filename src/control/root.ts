import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';

export type RootOptions = { readonly version: string; readonly node: string };

const rootSchema = {
  operationId: 'root',
  tags: ['operations'],
  summary: 'Who answers here',
  response: {
    200: Type.Object({ name: Type.String(), version: Type.String(), node: Type.String(), uptime: Type.Number({ description: 'seconds' }) }),
  },
};

export async function rootRoutes(server: FastifyInstance, { version, node }: RootOptions): Promise<void> {
  server.get('/', { schema: rootSchema }, () => ({ name: 'wsaas', version, node, uptime: Math.floor(process.uptime()) }));
}
