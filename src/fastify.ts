import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import fp from 'fastify-plugin';
import { openHosted } from './app/hosted-app.ts';
import { HostedLife } from './app/life.ts';
import { ConfigError } from './config/config-error.ts';
import { mountControl } from './edge/mount/control.ts';
import { divertUpgrades } from './edge/mount/upgrades.ts';
import { originForm } from './edge/server/request-form.ts';
import { readHosting, type NotHere } from './library/reading.ts';
import type { Gateway, GatewayOptions } from './library/surface.ts';
import { hostLogger } from './logs/host-logger.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** The gateway whose clients this application's server takes. */
    wsaas: Gateway;
  }
}

export type WsaasOptions = Pick<GatewayOptions, 'routes' | 'options'> & {
  /** Where the control API is served, `/ws` for example; without it there is none. The application's own hooks run before it. */
  readonly controlPrefix?: string;
};

const OF_THE_APPLICATION: NotHere = Object.fromEntries(
  [
    'HOST',
    'PORT',
    'CONTROL_HOST',
    'CONTROL_PORT',
    'HANDSHAKE_TIMEOUT_MS',
    'MAX_HTTP_SOCKETS',
    'LOG_LEVEL',
    'LOG_FORMAT',
    'LOG_BUFFER_BYTES',
    'MAX_HEADER_BYTES',
    'TLS_CERT_FILE',
    'TLS_KEY_FILE',
    'TLS_CLIENT_CA_FILE',
  ].map((name) => [name, 'the server and its log are the application’s']),
);

/**
 * Serves WebSocket clients beside the routes of a Fastify application, on the same server (docs/library.md#in-a-fastify-application). Upgrades on paths that none
 * of `routes` has are left to the application. Its `close()` drains. Registering rejects with a ConfigError that lists every mistake.
 */
export const wsaas: FastifyPluginAsync<WsaasOptions> = fp(mount, { name: 'wsaas', fastify: '5.x' });

async function mount(application: FastifyInstance, { controlPrefix, ...given }: WsaasOptions): Promise<void> {
  if (controlPrefix !== undefined && !/^(\/[^/?#]+)+$/.test(controlPrefix))
    throw new ConfigError([`controlPrefix: must be a path such as /ws, without a slash at its end; ${JSON.stringify(controlPrefix)} came`]);
  const hosting = readHosting(given, { notHere: OF_THE_APPLICATION });
  const { log } = application;
  const mountedAt = controlPrefix === undefined ? '' : application.prefix + controlPrefix;
  const app = await openHosted(hosting, hostLogger({ level: log.level ?? 'info', format: 'json', log }), { mountedAt });
  app.hosted.lives(new HostedLife(app, hosting.config, () => Promise.reject(new Error('the application listens, not its gateway'))));
  application.decorate('wsaas', app.hosted);
  const { find, listensOn } = await app.mount();
  const { server } = application;
  const giveBack = divertUpgrades(server, { to: app.publicServer.server, owns: (request) => !('type' in find(pathOf(request))) });
  const listening = (): void => listensOn((server.address() as AddressInfo).port);
  server.once('listening', listening);
  application.addHook('preClose', async () => {
    server.off('listening', listening);
    await app.hosted.close();
    giveBack();
  });
  if (controlPrefix === undefined) return;
  await application.register(async (scope) => mountControl(scope, app.controlServer), { prefix: controlPrefix });
}

function pathOf(request: IncomingMessage): string {
  const [path = '/'] = originForm(request).split('?', 1);
  return path;
}
