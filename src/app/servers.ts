import type { FastifyInstance } from 'fastify';
import { AddressRate } from '../core/address-rate.ts';
import { buildServer } from '../edge/server/build.ts';
import { answerUnknown } from '../edge/server/errors.ts';
import { addressCheck, callersOf, encryptionCheck } from '../edge/server/client-address.ts';
import { HttpSockets } from '../edge/server/http-sockets.ts';
import { CAN_SHARE_PORTS, MoreAccepts } from '../edge/server/more-accepts.ts';
import { socketsPlugin } from '../edge/sockets/plugin.ts';
import { asksForWebSocket } from '../edge/sockets/upgrade-request.ts';
import type { Secured } from '../edge/server/secure.ts';
import { certificatesIn } from '../config/tls.ts';
import type { Config } from '../config/load.ts';
import { reservePort } from '../engines/processes/reserved-port.ts';
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
  /** Listen for clients beside the public server's own socket. */
  readonly moreAccepts: MoreAccepts;
};

const BACKLOG = 4_096;

export function buildServers({ config, logger, dialects, mountedAt }: Base, { gateway, routing, surroundings }: Whole): Servers {
  const options = {
    logger: logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : logger.level }), // its "listening" lines are in our start line
    asksForWebSocket,
    isUpgradeOnly: (path: string) => isUpgradeOnly(routing, path),
    rewrite: rewriting(dialects),
    handshakeTimeoutMs: config.HANDSHAKE_TIMEOUT_MS,
    maxHeaderBytes: config.MAX_HEADER_BYTES,
    maxBodyBytes: largestMessageBytes(routing),
  };
  const sockets = () => new HttpSockets(() => surroundings.files.socketsBeside(gateway.occupied));
  const publicSockets = sockets();
  const isShared = config.CONTROL_PORT === undefined && mountedAt === null;
  const publicServer = buildServer({
    ...options,
    secured: securedBy(config, isShared),
    httpSockets: publicSockets,
    upgrades: () => (gateway.isDraining ? 'no longer' : 'now'),
  });
  const moreAccepts = new MoreAccepts();
  if (isShared)
    return { publicServer, controlServer: publicServer, isShared: true, publicSockets, controlSockets: publicSockets, moreAccepts };
  const controlSockets = sockets();
  const controlServer = buildServer({ ...options, secured: securedBy(config, true), httpSockets: controlSockets, upgrades: () => 'never' });
  return { publicServer, controlServer, isShared: false, publicSockets, controlSockets, moreAccepts };
}

/** Of a target, the spelling that the routes have. */
function rewriting(dialects: Base['dialects']): (target: string) => string {
  const rewrites = Object.values(dialects).flatMap(({ rewrite }) => rewrite ?? []);
  return (target) => rewrites.reduce((spelt, rewrite) => rewrite(spelt), target);
}

/** Null: TLS is off. */
function securedBy({ tlsContents, HANDSHAKE_TIMEOUT_MS: handshakeTimeoutMs }: Config, hasControl: boolean): Secured | null {
  return tlsContents === null ? null : { certificates: certificatesIn(tlsContents), hasControl, handshakeTimeoutMs };
}

function isUpgradeOnly({ find }: Routing, path: string): boolean {
  const found = find(path);
  return !('type' in found) && found.route.isUpgradeOnly;
}

export async function serveClients({ config, dialects }: Base, servers: Servers, { gateway, routing, surroundings }: Whole): Promise<void> {
  const { publicServer, controlServer, isShared, publicSockets } = servers;
  const isTrusted = addressCheck(config.TRUST_PROXY);
  const callers = callersOf(isTrusted);
  const { HANDSHAKES_PER_SECOND_PER_IP: perSecond } = config;
  await publicServer.register(socketsPlugin, {
    gateway,
    addressOf: (request) => callers(request)[0].address,
    isEncrypted: encryptionCheck(isTrusted),
    handshakes: perSecond === 0 ? null : new AddressRate(gateway.clock, perSecond),
    httpSockets: publicSockets,
    upgradeTimeoutMs: () =>
      config.OPEN_QUEUE_TIMEOUT_MS + routing.extremes().longestOpenMs + 2 * config.BUS_TIMEOUT_MS + config.CLOSE_TIMEOUT_MS,
    findRoute: routing.find,
    rewrite: rewriting(dialects),
    maxMessageBytes: largestMessageBytes(routing),
    closeTimeoutMs: config.CLOSE_TIMEOUT_MS,
    compression: config.COMPRESSION === 'on',
    tracing: surroundings.tracing,
  });
  answerUnknown(publicServer, isShared ? 'both' : 'clients');
  if (!isShared) answerUnknown(controlServer, 'commands');
}

/** Before clients come: others may ask this process, and what a process before it left untold is told. */
export async function begin({ gateway, surroundings }: Omit<Whole, 'routing'>): Promise<void> {
  await surroundings.joined.bus.serve(gateway);
  gateway.bereaved();
}

export async function listen(
  { config, link }: Base,
  { publicServer, controlServer, isShared, moreAccepts }: Servers,
  { gateway, surroundings, prepared }: Omit<Whole, 'routing'> & { readonly prepared: (() => Promise<void>) | undefined },
): Promise<{ readonly publicUrl: string; readonly controlUrl: string }> {
  await begin({ gateway, surroundings });
  await prepared?.();
  const isWorker = link !== null; // its supervisor looks after the ports
  const publicUrl = await listenOn(publicServer, { host: config.HOST, port: config.PORT, isWorker });
  await moreAccepts.open(publicServer.server, BACKLOG);
  const controlUrl = isShared
    ? publicUrl
    : await listenOn(controlServer, { host: config.CONTROL_HOST ?? config.HOST, port: config.CONTROL_PORT ?? 0, isWorker });
  surroundings.wsUris.listensOn(Number(new URL(controlUrl).port));
  surroundings.backends.obey(gateway);
  return { publicUrl, controlUrl };
}

type Place = { readonly host: string; readonly port: number; readonly isWorker: boolean };

/** Several sockets of this process, or of the workers, share the port; no other program does. Resolves with the URL. */
async function listenOn(server: FastifyInstance, { host, port, isWorker }: Place): Promise<string> {
  const sharing = { backlog: BACKLOG, reusePort: isWorker || CAN_SHARE_PORTS };
  if (isWorker || !CAN_SHARE_PORTS) return server.listen({ ...sharing, host, port });
  const reserved = await reservePort(host, port);
  try {
    return await server.listen({ ...sharing, host, port: reserved.port });
  } finally {
    reserved.release();
  }
}

export async function closeServers({ publicServer, controlServer, isShared, moreAccepts }: Servers): Promise<void> {
  // @fastify/websocket 11.3.6 answers a late upgrade with 503 and leaves its socket open, for which close() would wait for ever;
  // to go when the plugin ends such sockets
  publicServer.server.removeAllListeners('upgrade');
  const servers = isShared ? [publicServer] : [publicServer, controlServer];
  await Promise.all([moreAccepts.close(), ...servers.map((server) => server.close())]);
}

export function largestMessageBytes({ extremes }: Routing): () => number {
  return () => extremes().largestMessageBytes;
}
