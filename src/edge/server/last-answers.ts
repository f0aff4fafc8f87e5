import type { Duplex } from 'node:stream';
import type { FastifyReply } from 'fastify';

const ending = new WeakSet<Duplex>();

/** Does this socket end behind an answer to a request that came before? Then what follows is not carried out (RFC 9112 §9.6). */
export function hasLastAnswer(socket: Duplex): boolean {
  return ending.has(socket);
}

/**
 * Makes this answer the last on its socket. To be called in the turn in which the request's head came: another request
 * that is carried out already would lose its answer.
 */
export function asLastAnswer(reply: FastifyReply): FastifyReply {
  ending.add(reply.request.raw.socket);
  return reply.header('Connection', 'close');
}
