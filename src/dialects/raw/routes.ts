import type { FastifyError, FastifyInstance } from 'fastify';
import type { GatewayError } from '../../wire/errors.ts';
import { messageOf, NOT_UTF8 } from '../../wire/http-messages.ts';
import { addressIn, type UnderControlPath } from '../../wire/control-paths.ts';
import type { ControlOptions } from '../definition.ts';
import { rawPushSchema } from './schemas.ts';

/** What may be wrong with a body before there is an outcome. */
const WORDS: Readonly<Record<string, { readonly status: number; readonly text: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, text: 'message too long' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, text: 'the body must have no Content-Encoding' },
};

/** `POST /<id>` pushes one frame and answers in plain words, as ws2api does (docs/dialects/raw.md#commands). */
export async function rawRoutes(server: FastifyInstance, { dispatch }: ControlOptions): Promise<void> {
  const inOurForm = server.errorHandler;
  server.setErrorHandler(function inWords(error: FastifyError | GatewayError, request, reply) {
    const words = WORDS[error.code];
    if (words === undefined) return inOurForm.call(this, error, request, reply);
    if (words.status === 415) void reply.header('Accept-Encoding', 'identity');
    return reply.code(words.status).header('content-type', 'text/plain; charset=utf-8').send(words.text);
  });
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
