import { Type } from 'typebox';
import type { DialectDefinition } from '../../../src/dialects/definition.ts';
import { milliseconds } from '../../../src/wire/option-schemas.ts';
import { ToyCodec } from './codec.ts';

/** A dialect as somebody would add one: this folder, and one line in the registry. */
export const toy: DialectDefinition = {
  name: 'toy',
  hasClientIds: false,
  options: { TOY_PATIENCE_MS: milliseconds('Dialect `toy`: ms of patience.', 1_234, 1) },
  routeOptions: { toyColour: Type.String({ description: 'Dialect toy: said to the backend.', default: 'red' }) },
  create: (context) => ({
    speech: { type: 'http', codec: new ToyCodec(context), intake: null },
    enter: () => ({ clientId: null, subprotocol: null }),
  }),
  checkRoute: ({ path }) => (path.includes('forbidden') ? [{ at: ['path'], wanted: 'must not be forbidden' }] : []),
  async routes(server, { dispatch }) {
    const schema = { operationId: 'toyShout', tags: ['commands'], summary: 'Shout at a client (dialect toy)' };
    server.post<{ Params: { id: string } }>('/shout/:id', { schema }, async (request, reply) => {
      const message = { data: Buffer.from(String(request.body).toUpperCase()), isBinary: false };
      const { type } = await dispatch({ type: 'push', id: request.params.id, message, idempotencyKey: null });
      return reply.code(type === 'sent' ? 200 : 404).send({ type });
    });
  },
  onId: [],
  reservedSegments: ['shout'],
  webhooks: {
    toyOpen: { post: { operationId: 'onToyOpen', summary: 'Dialect toy: a client wants in', responses: { 200: { description: 'In.' } } } },
  },
};
