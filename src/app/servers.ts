import type { FastifyInstance } from 'fastify';
import { buildServer } from '../edge/server/build.ts';
import { answerUnknown } from '../edge/server/errors.ts';
import { addressCheck, callersOf } from '../edge/server/client-address.ts';
import { HttpSockets } from '../edge/server/http-sockets.ts';
import { socketsPlugin } from '../edge/sockets/plugin.ts';
import { asksForWebSocket } from '../edge/sockets/upgrade-request.ts';
import type { Routing } from '../routes/routing.ts';
import type { Base } from './base.ts';
import type { Whole } from './surroundings.ts';

export type Servers = {
  readonly publicServer: FastifyInstance;
  readonly controlServer: FastifyInstance;
  readonly isShared: boolean;
  /** Sockets that are neither clients nor known callers, of each server. */
  readonly publicSockets: HttpSockets;
  readonly controlSockets: HttpSockets;
};

export function buildServers({ config, logger }: Base, { gateway, routing, surroundings }: Whole): Servers {
  const options = {
    logger: logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : logger.level }), // its "listening" lines are in our start line
    asksForWebSocket,
    handshakeTimeoutMs: config.HANDSHAKE_TIMEOUT_MS,
    maxBodyBytes: largestMessageBytes(routing),
  };
  const sockets = () => new HttpSockets(() => surroundings.files.socketsBeside(gateway.occupied));
  const publicSockets = sockets();
  const publicServer = buildServer({ ...options, httpSockets: publicSockets, upgrades: () => (gateway.isDraining ? 'no longer' : 'now') });
  if (config.CONTROL_PORT === undefined)
    return { publicServer, controlServer: publicServer, isShared: true, publicSockets, controlSockets: publicSockets };
  const controlSockets = sockets();
  const controlServer = buildServer({ ...options, httpSockets: controlSockets, upgrades: () => 'never' });
  return { publicServer, controlServer, isShared: false, publicSockets, controlSockets };
}

export async function serveClients({ config }: Base, servers: Servers, { gateway, routing, surroundings }: Whole): Promise<void> {
  const { publicServer, controlServer, isShared, publicSockets } = servers;
  const callers = callersOf(addressCheck(config.TRUST_PROXY));
  await publicServer.register(socketsPlugin, {
    gateway,
    addressOf: (request) => callers(request)[0].address,
    httpSockets: publicSockets,
    upgradeTimeoutMs: () =>
      config.OPEN_QUEUE_TIMEOUT_MS + routing.extremes().longestOpenMs + 2 * config.BUS_TIMEOUT_MS + config.CLOSE_TIMEOUT_MS,
    findRoute: routing.find,
    maxMessageBytes: largestMessageBytes(routing),
    closeTimeoutMs: config.CLOSE_TIMEOUT_MS,
    compression: config.COMPRESSION === 'on',
    tracing: surroundings.tracing,
  });
  answerUnknown(publicServer, isShared ? 'both' : 'clients');
  if (!isShared) answerUnknown(controlServer, 'commands');
}

export async function listen(
  { config, link }: Base,
  { publicServer, controlServer, isShared }: Servers,
  { gateway, surroundings, begin }: Omit<Whole, 'routing'> & { readonly begin: (() => Promise<void>) | undefined },
): Promise<{ readonly publicUrl: string; readonly controlUrl: string }> {
  await surroundings.joined.bus.serve(gateway);
  gateway.bereaved(); // what a process before this one left untold
  await begin?.();
  const sharing = { backlog: 4_096, reusePort: link !== null }; // workers share the port by SO_REUSEPORT
  const publicUrl = await publicServer.listen({ ...sharing, host: config.HOST, port: config.PORT });
  const controlUrl = isShared
    ? publicUrl
    : await controlServer.listen({ ...sharing, host: config.CONTROL_HOST ?? config.HOST, port: config.CONTROL_PORT ?? 0 });
  surroundings.wsUris.listensOn(Number(new URL(controlUrl).port));
  return { publicUrl, controlUrl };
}

export async function closeServers({ publicServer, controlServer, isShared }: Servers): Promise<void> {
  // @fastify/websocket 11.3.6 answers a late upgrade with 503 and leaves its socket open, for which close() would wait for ever;
  // to go when the plugin ends such sockets
  publicServer.server.removeAllListeners('upgrade');
  await Promise.all(isShared ? [publicServer.close()] : [publicServer.close(), controlServer.close()]);
}

export function largestMessageBytes({ extremes }: Routing): () => number {
  return () => extremes().largestMessageBytes;
}
