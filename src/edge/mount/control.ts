import type { FastifyInstance } from 'fastify';

/**
 * Serves the control API under the prefix of this scope. Its requests are given away before the application reads their bodies:
 * behind the application's own `onRequest` hooks, and before everything else of it.
 */
export function mountControl(scope: FastifyInstance, control: FastifyInstance): void {
  const { prefix } = scope;
  scope.addHook('onRequest', (request, reply) => {
    const { raw } = request;
    void reply.hijack();
    const url = raw.url ?? '/';
    const rest = url.slice(prefix.length);
    raw.url = rest.startsWith('/') ? rest : `/${rest}`;
    control.routing(raw, reply.raw);
  });
  for (const path of ['/', '/*']) scope.all(path, (_request, reply) => reply.code(404).send()); // never reached
}
