import type { FastifyError, FastifyInstance } from 'fastify';
import { GatewayError } from '../../wire/errors.ts';

const MESSAGES: Readonly<Record<string, { readonly code: string; readonly message: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'MESSAGE_TOO_LONG', message: 'the body is over MAX_MESSAGE_BYTES; nothing was sent' },
};

/** The last resort: every error leaves as `{"code","message"}` (docs/contract.md#errors-of-commands). */
export function answerErrors(server: FastifyInstance): void {
  server.setErrorHandler((error: FastifyError | GatewayError, request, reply) => {
    if (error instanceof GatewayError) {
      if (error.retryAfterMs !== null) void reply.header('Retry-After', Math.ceil(error.retryAfterMs / 1000));
      if (error.code === 'UNAUTHORIZED') void reply.header('WWW-Authenticate', 'Bearer');
      return reply.code(error.status).send({ code: error.code, message: error.message });
    }
    const status = error.statusCode ?? 500;
    if (status >= 500) {
      request.log.error({ err: error }, 'a request failed');
      return reply.code(500).send({ code: 'INTERNAL_ERROR', message: 'a fault of the gateway; its log has the cause' });
    }
    return reply.code(status).send(MESSAGES[error.code] ?? { code: 'BAD_REQUEST', message: error.message });
  });
}

/** What a request gets that no route knows: on a port of clients 426, on the control API's own port 404. */
export function answerUnknown(server: FastifyInstance, servesClients: boolean): void {
  server.setNotFoundHandler((request, reply) => {
    if (!servesClients)
      return reply
        .code(404)
        .send({ code: 'NOT_FOUND', message: `${request.method} ${request.url.slice(0, 200)} is not served by the control API` });
    return reply
      .code(426)
      .headers({ Upgrade: 'websocket', Connection: 'Upgrade, close' })
      .send({ code: 'UPGRADE_REQUIRED', message: 'this path speaks WebSocket (RFC 6455) only' });
  });
}
