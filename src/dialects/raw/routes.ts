import type { FastifyInstance } from 'fastify';
import { messageOf, NOT_UTF8 } from '../../wire/http-messages.ts';
import { addressIn, type UnderControlPath } from '../../wire/control-paths.ts';
import type { ControlOptions } from '../definition.ts';
import { rawPushSchema } from './schemas.ts';

/** `POST /<id>` pushes one frame and answers in plain words, as ws2api does (docs/dialects/raw.md#commands). */
export async function rawRoutes(server: FastifyInstance, { dispatch }: ControlOptions): Promise<void> {
  server.post<{ Params: UnderControlPath & { id: string } }>('/:id', { schema: rawPushSchema }, async (request, reply) => {
    const id = addressIn(request.params, request.params.id);
    const outcome = await dispatch({ type: 'push', id, message: messageOf(request), idempotencyKey: null });
    void reply.header('content-type', 'text/plain; charset=utf-8');
    switch (outcome.type) {
      case 'sent':
        return reply.send('ok');
      case 'queued':
        return reply.code(202).send('ok');
      case 'not-found':
        return reply.code(404).send('not found');
      case 'too-long':
        return reply.code(413).send('message too long');
      case 'slow':
        return reply
          .code(429)
          .header('Retry-After', Math.ceil(outcome.retryAfterMs / 1000))
          .send('slow client');
      case 'invalid':
        return reply.code(400).send(outcome.detail);
      case 'not-text':
        return reply.code(400).send(NOT_UTF8);
      case 'timeout':
        return reply.code(504).send('timeout');
      case 'unavailable':
        return reply.code(503).header('Retry-After', 1).send('unavailable');
    }
  });
}
