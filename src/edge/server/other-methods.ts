import http from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import fp from 'fastify-plugin';
import { GatewayError } from '../../wire/errors.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Answers every method but these with 405 and `Allow`, within this server's prefix. */
    allowOnly(path: string, methods: readonly HTTPMethods[]): void;
  }
}

/** The error for a method that a path does not have; names those that it has. */
export function notAllowed({ method }: FastifyRequest, reply: FastifyReply, allowed: Iterable<string>): GatewayError {
  const list = [...allowed].toSorted().join(', ');
  void reply.header('Allow', list);
  return new GatewayError('METHOD_NOT_ALLOWED', `${method} is not allowed here; allowed: ${list}`);
}

const HIDDEN: object = { hide: true };
const METHODS = http.METHODS.filter((method) => method !== 'CONNECT'); // which Node hands to no request handler

/** A path that exists with other methods is 405, not 404 (RFC 9110 §15.5.6). */
export const otherMethods = fp(
  async (server: FastifyInstance) => {
    const known = new Set<string>(server.supportedMethods);
    for (const method of METHODS) if (!known.has(method)) server.addHttpMethod(method, { hasBody: true });
    server.decorate('allowOnly', function allowOnly(this: FastifyInstance, path: string, methods: readonly HTTPMethods[]): void {
      const allowed: readonly string[] = methods.includes('GET') ? ['HEAD', ...methods] : methods;
      this.route({
        method: METHODS.filter((method) => !allowed.includes(method)),
        url: path,
        schema: HIDDEN,
        handler: (request, reply) => {
          throw notAllowed(request, reply, allowed);
        },
      });
    });
  },
  { name: 'other-methods', fastify: '5.x' },
);
