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
import type { Bus, Ledger, Log } from './core/ports.ts';
import { systemClock } from './core/system-clock.ts';
import type { Dialects } from './dialects/definition.ts';
import { DEFAULT_DIALECT, DIALECTS } from './dialects/index.ts';
import { createGuard } from './edge/control/guard.ts';
import { healthRoutes } from './edge/control/health.ts';
import { createMetrics, metricsRoutes } from './edge/control/metrics.ts';
import { rootRoutes } from './edge/control/root.ts';
import { selectionRoutes } from './edge/control/selections.ts';
import { buildServer } from './edge/server/build.ts';
import { answerUnknown } from './edge/server/errors.ts';
import { fileLimit } from './edge/server/file-limit.ts';
import { socketsPlugin } from './edge/sockets/plugin.ts';
import { asksForWebSocket } from './edge/sockets/upgrade-request.ts';
import { createMemoryBus } from './engines/local/bus.ts';
import { createJournal } from './engines/local/journal.ts';
import { createNoLedger } from './engines/local/no-ledger.ts';
import { createIpcBus } from './engines/processes/bus.ts';
import { createIpcLedger } from './engines/processes/ledger.ts';
import type { Link } from './engines/processes/link.ts';
import { openEngine, type Engine } from './engines/index.ts';
import { createRouting, type Routing } from './routes/routing.ts';
import type { RouteDefaults } from './routes/table.ts';
import { WsUris } from './wire/ws-uris.ts';

/** Descriptors kept free for the backend's sockets come on top of these, for files, pipes and the control API. */
const RESERVED_FILES = 128;

export type App = {
  readonly gateway: Gateway;
  readonly log: Log;
  /** Where clients connect. */
  readonly publicServer: FastifyInstance;
  /** The same one, unless CONTROL_PORT is set. */
  readonly controlServer: FastifyInstance;
  readonly listen: () => Promise<{ readonly publicUrl: string; readonly controlUrl: string }>;
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
  /** For generators: sees the control API's server before its routes. */
  readonly beforeRoutes?: (server: FastifyInstance) => Promise<void>;
};

/** What every step may use. */
type Base = Required<Omit<AppOptions, 'beforeRoutes'>> & { readonly config: Config; readonly logger: Logger; readonly log: Log };

/** Puts the parts together, from the inside out; the only file that sees every room. */
export async function createApp(config: Config, logger: Logger, options: AppOptions): Promise<App> {
  const { node, link, dialects = DIALECTS, beforeRoutes } = options;
  const base: Base = { node, link, dialects, config, logger, log: logOf(logger) };
  const surroundings = await openSurroundings(base);
  const routing = await openRouting(base, surroundings);
  const gateway = openGateway(base, surroundings, routing);
  const servers = buildServers(base, gateway, routing);
  await serveClients(base, servers, { gateway, routing });
  await beforeRoutes?.(servers.controlServer);
  await serveControl(base, servers, { gateway, routing, surroundings });
  const heartbeat = startHeartbeat(gateway, routing.shortestSpanMs);
  return {
    gateway,
    log: base.log,
    publicServer: servers.publicServer,
    controlServer: servers.controlServer,
    facts: factsOf(base, surroundings, routing),
    listen: () => listen(base, servers, { gateway, surroundings }),
    reloadRoutes: routing.reload,
    async close() {
      heartbeat.cancel();
      await closeServers(servers);
      gateway.closings.stop();
      await surroundings.bus.close();
      await surroundings.transports.close();
      await surroundings.ledger.close();
    },
  };
}

/** What the gateway leans on, and what tells of it. */
type Surroundings = {
  /** This process's part of the ids that it gives out. */
  readonly owner: string;
  readonly meter: Meter;
  readonly ledger: Ledger;
  readonly bus: Bus;
  /** What joins this process with others. */
  readonly engine: string;
  /** Why other machines cannot be asked now, or null. */
  readonly busProblem: () => string | null;
  readonly transports: Transports;
  readonly wsUris: WsUris;
};

async function openSurroundings(base: Base): Promise<Surroundings> {
  const { config, log } = base;
  const { BACKEND_CONNECTIONS: connections, BACKEND_PIPELINING: pipelining } = config;
  const owner = ownerToken();
  const meter = new Meter();
  const { name, bus, ledger, problem } = await openJoining(base, owner);
  return {
    owner,
    meter,
    ledger,
    bus,
    engine: name,
    busProblem: problem,
    transports: new Transports({ clock: systemClock, log, observer: meter, connections, pipelining }),
    wsUris: new WsUris(config.WS_HOSTNAME, config.CONTROL_PORT ?? config.PORT),
  };
}

/** Bus and ledger: of CLUSTER_URL's engine, which every worker joins by itself, else of this machine. */
async function openJoining({ config, log, link, node }: Base, owner: string): Promise<Engine> {
  const {
    CLUSTER_URL: url,
    CLUSTER_NAME: cluster,
    CLUSTER_CREDENTIALS_FILE: credentials,
    JOURNAL_DIR: journal,
    BUS_TIMEOUT_MS: timeoutMs,
  } = config;
  if (url !== undefined) {
    if (journal !== undefined) log.warn({}, 'JOURNAL_DIR is not used beside CLUSTER_URL, whose engine remembers open connections');
    return openEngine({ url, credentials: credentials ?? null, cluster, owner, node, timeoutMs, log });
  }
  return {
    name: link === null ? 'memory' : 'ipc',
    bus: link === null ? createMemoryBus() : createIpcBus({ link, owner, timeoutMs }),
    ledger: await openLedger(journal, log, link),
    problem: () => null,
  };
}

function openLedger(directory: string | undefined, log: Log, link: Link | null): Promise<Ledger> | Ledger {
  if (directory !== undefined) return createJournal({ directory, log });
  return link === null ? createNoLedger() : createIpcLedger(link);
}

function openRouting({ config, log, dialects }: Base, { transports, wsUris }: Surroundings): Promise<Routing> {
  return createRouting({
    file: config.ROUTES_FILE,
    backend: config.API_URI?.href ?? '',
    defaults: defaultsOf(config, dialects),
    dialects,
    wsUri: wsUris.of,
    serve: (origin, speech, limits) => serveOverHttp(speech, { transport: transports.to(origin), clock: systemClock, log, limits }),
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
  const { owner, meter, ledger, bus, busProblem } = surroundings;
  return new Gateway({
    clock: systemClock,
    log,
    observer: meter,
    ledger,
    bus,
    node,
    owner,
    openConcurrency: config.OPEN_CONCURRENCY,
    openQueue: config.OPEN_QUEUE,
    openQueueTimeoutMs: config.OPEN_QUEUE_TIMEOUT_MS,
    closeConcurrency: config.CLOSE_CONCURRENCY,
    closeBacklog: config.CLOSE_BACKLOG,
    whyClosed: () => (config.REQUIRE_BUS === 'true' && busProblem() !== null ? 'the cluster cannot be asked now' : null),
    metrics: createMetrics(meter),
    routeOf: routing.byName,
  });
}

type Servers = { readonly publicServer: FastifyInstance; readonly controlServer: FastifyInstance; readonly isShared: boolean };

function buildServers({ config, logger }: Base, gateway: Gateway, routing: Routing): Servers {
  const options = {
    logger: logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : logger.level }), // its "listening" lines are in our start line
    asksForWebSocket,
    trustedProxies: config.TRUST_PROXY.entries,
    handshakeTimeoutMs: config.HANDSHAKE_TIMEOUT_MS,
    maxBodyBytes: routing.largestMessageBytes,
  };
  const publicServer = buildServer({ ...options, upgrades: () => (gateway.isDraining ? 'no longer' : 'now') });
  if (config.CONTROL_PORT === undefined) return { publicServer, controlServer: publicServer, isShared: true };
  return { publicServer, controlServer: buildServer({ ...options, upgrades: () => 'never' }), isShared: false };
}

type Inside = { readonly gateway: Gateway; readonly routing: Routing };

async function serveClients(
  { config }: Base,
  { publicServer, controlServer, isShared }: Servers,
  { gateway, routing }: Inside,
): Promise<void> {
  await publicServer.register(socketsPlugin, {
    gateway,
    findRoute: routing.find,
    maxMessageBytes: routing.largestMessageBytes,
    limits: {
      maxConnections: config.MAX_CONNECTIONS || Math.max(1, fileLimit() - config.BACKEND_CONNECTIONS - RESERVED_FILES),
      maxConnectionsPerIp: config.MAX_CONNECTIONS_PER_IP || Infinity,
    },
    closeTimeoutMs: config.CLOSE_TIMEOUT_MS,
    compression: config.COMPRESSION === 'on',
  });
  answerUnknown(publicServer, true);
  if (!isShared) answerUnknown(controlServer, false);
}

type Whole = Inside & { readonly surroundings: Surroundings };

async function serveControl({ config, node, dialects }: Base, servers: Servers, { gateway, routing, surroundings }: Whole): Promise<void> {
  const { controlServer, isShared } = servers;
  const { ledger, wsUris, busProblem } = surroundings;
  const readiness = [
    { name: 'ledger', problem: () => ledger.problem, isRequired: false },
    { name: 'bus', problem: busProblem, isRequired: config.REQUIRE_BUS === 'true' },
  ];
  await controlServer.register(healthRoutes, { isReady: () => gateway.isReady, checks: readiness });
  const guard = createGuard({ allow: config.CONTROL_ALLOW, tokens: config.CONTROL_TOKEN, trustedProxies: config.TRUST_PROXY });
  await controlServer.register(rootRoutes, { version: VERSION, node, guard: isShared ? guard : null });
  const query = (asked: Query) => gateway.query(asked);
  await controlServer.register(async (guarded) => {
    guarded.addHook('onRequest', (request, _reply, done) => done(guard(request) ?? undefined));
    await guarded.register(metricsRoutes, { query });
    await guarded.register(selectionRoutes, { query, wsUri: wsUris.of, maxMessageBytes: routing.largestMessageBytes });
    const served = Object.values(dialects).filter(({ name }) => name === DEFAULT_DIALECT || routing.hasDialect(name));
    for (const prefix of new Set(['', wsUris.path])) {
      for (const dialect of served) {
        const othersOnId = served.flatMap((other) => (other === dialect ? [] : other.onId));
        await guarded.register(dialect.routes, { dispatch: gateway.dispatch, wsUri: wsUris.of, othersOnId, prefix });
      }
    }
  });
}

function factsOf(
  { node, config }: Base,
  { owner, ledger, transports, engine }: Surroundings,
  routing: Routing,
): Readonly<Record<string, unknown>> {
  return {
    node,
    ledger: ledger.level,
    backends: transports.origins,
    routes: routing.facts,
    bus: engine,
    ...(config.CLUSTER_URL !== undefined && { cluster: config.CLUSTER_NAME, owner }),
    fileLimit: fileLimit(),
  };
}

async function listen(
  { config, link }: Base,
  { publicServer, controlServer, isShared }: Servers,
  { gateway, surroundings }: Omit<Whole, 'routing'>,
): Promise<{ readonly publicUrl: string; readonly controlUrl: string }> {
  await surroundings.bus.serve(gateway);
  gateway.bereaved(); // what a process before this one left untold
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
