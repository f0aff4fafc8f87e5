import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import fp from 'fastify-plugin';
import { GatewayError } from '../../wire/errors.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Answers every method but these with 405 and `Allow`, within this server's prefix. */
    allowOnly(path: string, methods: readonly HTTPMethods[]): void;
  }
}

/** The methods that some path has. */
const OURS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS']);
/** Stands for every other one: the router keeps a tree for each method, and those of three dozen took a quarter of every start. */
const OTHER = 'PATCH';
const METHODS = [...OURS, OTHER] as HTTPMethods[];

const asked = new WeakMap<IncomingMessage, string>();

/** Comes before the router. */
export function foldMethod(request: IncomingMessage): void {
  const { method = '' } = request;
  if (OURS.has(method)) return;
  asked.set(request, method);
  request.method = OTHER;
}

/** The method as it came. */
export function methodOf(request: IncomingMessage): string {
  return asked.get(request) ?? request.method ?? 'nothing';
}

/** The error for a method that a path does not have; names those that it has. */
export function notAllowed({ raw }: FastifyRequest, reply: FastifyReply, allowed: Iterable<string>): GatewayError {
  const list = [...allowed].toSorted().join(', ');
  void reply.header('Allow', list);
  return new GatewayError('METHOD_NOT_ALLOWED', `${methodOf(raw)} is not allowed here; allowed: ${list}`);
}

const HIDDEN: object = { hide: true };

/** A path that exists with other methods is 405, not 404 (RFC 9110 §15.5.6). */
export const otherMethods = fp(
  async (server: FastifyInstance) => {
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
