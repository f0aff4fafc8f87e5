import type { FastifyInstance } from 'fastify';
import type { Answers, Query } from '../../core/commands.ts';
import { ACCESS_ERRORS, INCOMPLETE, textAnswer } from '../../wire/error-schemas.ts';
import { exposition, EXPOSITION_TYPE } from '../metrics/exposition.ts';

const metricsSchema = {
  operationId: 'metrics',
  tags: ['operations'],
  summary: 'Prometheus metrics; every name begins with wsaas_',
  response: { 200: textAnswer('Text exposition format 0.0.4.', 'wsaas_connections 2\n', INCOMPLETE), ...ACCESS_ERRORS },
};

export type MetricsRoutesOptions = { readonly query: (query: Query) => Promise<Answers> };

/** The sum over all processes of this node that answer in time; other nodes are asked by themselves. */
export async function metricsRoutes(server: FastifyInstance, { query }: MetricsRoutesOptions): Promise<void> {
  server.get('/metrics', { schema: metricsSchema }, async (_request, reply) => {
    const { parts, unreachable } = await query({ type: 'metrics' });
    if (unreachable.length > 0) void reply.header('WS-Incomplete', unreachable.join(', '));
    return reply.header('content-type', EXPOSITION_TYPE).send(await exposition(parts.map(({ metrics }) => metrics ?? [])));
  });
  server.allowOnly('/metrics', ['GET']);
}
