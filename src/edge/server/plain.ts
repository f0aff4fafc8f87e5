import type { FastifyInstance } from 'fastify';

/** What a request gets that no route knows: on a port of clients 426, on the control API's own port 404. */
export function answerUnknown(server: FastifyInstance, servesClients: boolean): void {
  server.setNotFoundHandler((request, reply) => {
    if (!servesClients)
      return reply
        .code(404)
        .send({ code: 'NOT_FOUND', message: `${request.method} ${request.url.slice(0, 200)} is no part of the control API` });
    return reply
      .code(426)
      .headers({ Upgrade: 'websocket', Connection: 'Upgrade, close' })
      .send({ code: 'UPGRADE_REQUIRED', message: 'this path speaks WebSocket (RFC 6455) only' });
  });
}
