import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { serveOverHttp } from './backends/http/backend.ts';
import { Transports } from './backends/http/transports.ts';
import { limitsOf } from './config/limits.ts';
import type { Config } from './config/load.ts';
import { VERSION } from './config/version.ts';
import type { Query } from './core/commands.ts';
import { Gateway } from './core/gateway.ts';
import { startHeartbeat } from './core/heartbeat.ts';
import { ownerToken } from './core/ids.ts';
import { Meter } from './core/meter.ts';
import type { Clock, Log } from './core/ports.ts';
import { StoppableClock } from './core/stoppable-clock.ts';
import { systemClock } from './core/system-clock.ts';
import type { Dialects } from './dialects/definition.ts';
import { DEFAULT_DIALECT, DIALECTS } from './dialects/index.ts';
import { guardRoutes, LOCKED, lockRoutes } from './edge/control/access.ts';
import { serveCommands } from './edge/control/commands.ts';
import { createGuard, PRIVATE_NETWORKS, type Guard } from './edge/control/guard.ts';
import { healthRoutes, type ReadinessCheck } from './edge/control/health.ts';
import { createMetrics, metricsRoutes } from './edge/control/metrics.ts';
import { rootRoutes } from './edge/control/root.ts';
import { selectionRoutes } from './edge/control/selections.ts';
import { buildServer } from './edge/server/build.ts';
import { forgivePauses } from './edge/server/own-pauses.ts';
import { answerUnknown } from './edge/server/errors.ts';
import { addressCheck, callersOf } from './edge/server/client-address.ts';
import { FileBudget, fileLimit } from './edge/server/file-limit.ts';
import { HttpSockets } from './edge/server/http-sockets.ts';
import { socketsPlugin } from './edge/sockets/plugin.ts';
import { asksForWebSocket } from './edge/sockets/upgrade-request.ts';
import { join, readinessOf, whyClosed, type Joined } from './engines/joining.ts';
import type { Link } from './engines/processes/link.ts';
import { createRouting, type Routing } from './routes/routing.ts';
import type { RouteDefaults } from './routes/table.ts';
import { readUri, WsUris } from './wire/ws-uris.ts';

export type App = {
  readonly gateway: Gateway;
  readonly log: Log;
  /** Where clients connect. */
  readonly publicServer: FastifyInstance;
  /** The same one, unless CONTROL_PORT is set. */
  readonly controlServer: FastifyInstance;
  /** Between being prepared and listening it waits for `begin`. */
  readonly listen: (begin?: () => Promise<void>) => Promise<{ readonly publicUrl: string; readonly controlUrl: string }>;
  /** Reads ROUTES_FILE again; says what is wrong and changes nothing, or returns null. */
  readonly reloadRoutes: () => Promise<string | null>;
  readonly close: () => Promise<void>;
  /** What the first log line tells. */
  readonly facts: Readonly<Record<string, unknown>>;
};

export type AppOptions = {
  readonly node: string;
  /** To the supervisor, in a worker. */
  readonly link: Link | null;
  /** Default: all that there are. */
  readonly dialects?: Dialects;
  /** What `/readyz` looks at beside the app's own state. */
  readonly checks?: readonly ReadinessCheck[];
  /** For generators: sees the control API's server before its routes. */
  readonly beforeRoutes?: (server: FastifyInstance) => Promise<void>;
};

/** What every step may use. */
type Base = Required<Omit<AppOptions, 'beforeRoutes'>> & { readonly config: Config; readonly logger: Logger; readonly log: Log };

/** Puts the parts together, from the inside out; the only file that sees every room. */
export async function createApp(config: Config, logger: Logger, options: AppOptions): Promise<App> {
  const { node, link, dialects = DIALECTS, checks = [], beforeRoutes } = options;
  const base: Base = { node, link, dialects, checks, config, logger, log: logOf(logger) };
  const clock = new StoppableClock(systemClock);
  const surroundings = await openSurroundings(base, clock);
  const routing = await openRouting(base, surroundings);
  const gateway = openGateway(base, surroundings, routing);
  const servers = buildServers(base, { gateway, routing, surroundings });
  for (const { server } of new Set([servers.publicServer, servers.controlServer])) forgivePauses(server, systemClock);
  await serveClients(base, servers, { gateway, routing });
  await beforeRoutes?.(servers.controlServer);
  await serveControl(base, servers, { gateway, routing, surroundings });
  const heartbeat = startHeartbeat(gateway, () => routing.extremes().shortestSpanMs);
  return {
    gateway,
    log: base.log,
    publicServer: servers.publicServer,
    controlServer: servers.controlServer,
    facts: factsOf(base, surroundings, routing),
    listen: (begin) => listen(base, servers, { gateway, surroundings, begin }),
    reloadRoutes: routing.reload,
    async close() {
      heartbeat.cancel();
      await closeServers(servers);
      gateway.closings.stop();
      await surroundings.joined.bus.close();
      await surroundings.transports.close();
      await surroundings.joined.ledger.close();
      clock.stop();
    },
  };
}

/** What the gateway leans on, and what tells of it. */
type Surroundings = {
  readonly clock: Clock;
  /** This process's part of the ids that it gives out. */
  readonly owner: string;
  readonly meter: Meter;
  /** Bus and ledger. */
  readonly joined: Joined;
  readonly transports: Transports;
  readonly wsUris: WsUris;
  readonly files: FileBudget;
};

async function openSurroundings({ config, node, link, log }: Base, clock: Clock): Promise<Surroundings> {
  const { BACKEND_CONNECTIONS: connections, BACKEND_PIPELINING: pipelining, CLUSTER_URL: url } = config;
  const owner = ownerToken();
  const meter = new Meter();
  const engine =
    url === undefined
      ? undefined
      : {
          url,
          credentials: config.CLUSTER_CREDENTIALS_FILE ?? null,
          cluster: config.CLUSTER_NAME,
          leaseMs: config.CLUSTER_LEASE_MS,
        };
  const garbageCame = (messages: number): void => meter.counted('envelopesDropped', messages);
  const joined = await join({ engine, journal: config.JOURNAL_DIR, timeoutMs: config.BUS_TIMEOUT_MS, owner, node, link, log, garbageCame });
  return {
    clock,
    owner,
    meter,
    joined,
    transports: new Transports({ clock, log, observer: meter, connections, pipelining }),
    wsUris: new WsUris(config.WS_HOSTNAME, config.CONTROL_PORT ?? config.PORT),
    files: new FileBudget({
      limit: fileLimit(),
      backendConnections: connections,
      httpSockets: config.MAX_HTTP_SOCKETS,
      servers: config.CONTROL_PORT === undefined ? 1 : 2,
    }),
  };
}

function openRouting({ config, log, dialects }: Base, { clock, transports, wsUris }: Surroundings): Promise<Routing> {
  return createRouting({
    file: config.ROUTES_FILE,
    backend: config.API_URI?.href ?? '',
    defaults: defaultsOf(config, dialects),
    dialects,
    wsUris: wsUris.under,
    serve: (origin, speech, limits) => serveOverHttp(speech, { transport: transports.to(origin), clock, log, limits }),
  });
}

function defaultsOf(config: Config, dialects: Dialects): RouteDefaults {
  const values = config as unknown as Readonly<Record<string, unknown>>;
  const names = Object.values(dialects).flatMap(({ options }) => Object.keys(options));
  return {
    limits: limitsOf(config),
    backendHeaders: config.BACKEND_HEADERS,
    origins: config.ORIGINS,
    forwardHeaders: config.FORWARD_HEADERS,
    refuseWith: config.REFUSE_WITH,
    dialectOptions: Object.fromEntries(names.map((name) => [name, values[name]])),
  };
}

function openGateway({ config, log, node }: Base, surroundings: Surroundings, routing: Routing): Gateway {
  const { clock, owner, meter, joined, files } = surroundings;
  return new Gateway({
    clock,
    log,
    observer: meter,
    ledger: joined.ledger,
    bus: joined.bus,
    node,
    owner,
    limits: {
      maxConnections: config.MAX_CONNECTIONS || files.clients,
      maxConnectionsPerIp: config.MAX_CONNECTIONS_PER_IP || Infinity,
    },
    openConcurrency: config.OPEN_CONCURRENCY,
    openQueue: config.OPEN_QUEUE,
    openQueueTimeoutMs: config.OPEN_QUEUE_TIMEOUT_MS,
    closeConcurrency: config.CLOSE_CONCURRENCY,
    closeBacklog: config.CLOSE_BACKLOG,
    whyClosed: () => whyClosed(joined, config.REQUIRE_BUS === 'true'),
    metrics: createMetrics(meter),
    routeOf: routing.byName,
  });
}

type Inside = { readonly gateway: Gateway; readonly routing: Routing };
type Whole = Inside & { readonly surroundings: Surroundings };

type Servers = {
  readonly publicServer: FastifyInstance;
  readonly controlServer: FastifyInstance;
  readonly isShared: boolean;
  /** Sockets that are neither clients nor known callers, of each server. */
  readonly publicSockets: HttpSockets;
  readonly controlSockets: HttpSockets;
};

function buildServers({ config, logger }: Base, { gateway, routing, surroundings }: Whole): Servers {
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

async function serveClients({ config }: Base, servers: Servers, { gateway, routing }: Inside): Promise<void> {
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
  });
  answerUnknown(publicServer, isShared ? 'both' : 'clients');
  if (!isShared) answerUnknown(controlServer, 'commands');
}

async function serveControl(
  { config, node, dialects, checks }: Base,
  servers: Servers,
  { gateway, routing, surroundings }: Whole,
): Promise<void> {
  const { controlServer, isShared, controlSockets } = servers;
  const { wsUris } = surroundings;
  const readiness = [...readinessOf(surroundings.joined, config.REQUIRE_BUS === 'true'), ...checks];
  await controlServer.register(healthRoutes, { isReady: () => gateway.isReady, checks: readiness });
  const guard = guardOf(config);
  await controlServer.register(rootRoutes, { version: VERSION, node, guard: isShared ? guard : null });
  const query = (asked: Query) => gateway.query(asked);
  const isOpen = isControlOpen(config);
  const release = isOpen ? controlSockets : null;
  await controlServer.register(async (guarded) => {
    guardRoutes(guarded, { guard, release });
    if (!isOpen) lockRoutes(guarded);
    await guarded.register(metricsRoutes, { query });
    await guarded.register(selectionRoutes, { query, wsUri: wsUris.of, maxMessageBytes: largestMessageBytes(routing) });
  });
  await serveCommands(controlServer, {
    dialects: Object.values(dialects),
    defaultDialect: DEFAULT_DIALECT,
    hasDialect: routing.hasDialect,
    gateway,
    wsUris,
    guard,
    release,
    isOpen,
  });
}

function largestMessageBytes({ extremes }: Routing): () => number {
  return () => extremes().largestMessageBytes;
}

/** Has the operator said who may command what can be guessed (docs/contract.md#who-may-call)? */
function isControlOpen({ CONTROL_ALLOW, CONTROL_TOKEN, CONTROL_PORT }: Config): boolean {
  return CONTROL_ALLOW.entries.length > 0 || CONTROL_TOKEN.length > 0 || CONTROL_PORT !== undefined;
}

function guardOf(config: Config): Guard {
  const named = [config.WS_HOSTNAME ?? '', ...config.CONTROL_ORIGINS].flatMap((url) => readUri(url)?.host ?? []);
  return createGuard({
    allow: config.CONTROL_ALLOW.entries.length > 0 ? config.CONTROL_ALLOW : PRIVATE_NETWORKS,
    tokens: config.CONTROL_TOKEN,
    trustedProxies: config.TRUST_PROXY,
    origins: config.CONTROL_ORIGINS,
    hosts: named,
  });
}

function factsOf({ node, config }: Base, { owner, joined, transports }: Surroundings, routing: Routing): Readonly<Record<string, unknown>> {
  return {
    node,
    ledger: joined.ledger.level,
    backends: transports.origins,
    routes: routing.facts,
    bus: joined.name,
    ...(config.CLUSTER_URL !== undefined && { cluster: config.CLUSTER_NAME, owner }),
    fileLimit: fileLimit(),
    control: isControlOpen(config) ? 'open to those that it was opened to' : LOCKED,
  };
}

async function listen(
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

async function closeServers({ publicServer, controlServer, isShared }: Servers): Promise<void> {
  // @fastify/websocket 11.3.6 answers a late upgrade with 503 and leaves its socket open, for which close() would wait for ever;
  // to go when the plugin ends such sockets
  publicServer.server.removeAllListeners('upgrade');
  await Promise.all(isShared ? [publicServer.close()] : [publicServer.close(), controlServer.close()]);
}

function logOf(logger: Logger): Log {
  return {
    error: (facts, message) => logger.error(facts, message),
    warn: (facts, message) => logger.warn(facts, message),
    info: (facts, message) => logger.info(facts, message),
    debug: (facts, message) => logger.debug(facts, message),
    isDebugging: logger.isLevelEnabled('debug'),
  };
}
