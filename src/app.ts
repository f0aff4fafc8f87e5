import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { withBreaker } from './backends/http/breaker.ts';
import { serveOverHttp } from './backends/http/backend.ts';
import { createHttpTransport } from './backends/http/transport.ts';
import { createIpcBus } from './engines/processes/bus.ts';
import { createMemoryBus } from './engines/local/bus.ts';
import type { Config } from './config/load.ts';
import { createGuard } from './edge/control/guard.ts';
import { healthRoutes } from './edge/control/health.ts';
import { createMetrics, metricsRoutes } from './edge/control/metrics.ts';
import { rootRoutes } from './edge/control/root.ts';
import { selectionRoutes } from './edge/control/selections.ts';
import type { Query } from './core/commands.ts';
import { Gateway } from './core/gateway.ts';
import { ownerToken } from './core/ids.ts';
import type { Link } from './engines/processes/link.ts';
import { Meter } from './core/meter.ts';
import type { Bus, Ledger, Log } from './core/ports.ts';
import type { Transport } from './wire/calls.ts';
import { systemClock } from './core/system-clock.ts';
import type { Dialects } from './dialects/definition.ts';
import { DEFAULT_DIALECT, DIALECTS } from './dialects/index.ts';
import { createIpcLedger } from './engines/processes/ledger.ts';
import { createJournal } from './engines/local/journal.ts';
import { createNoLedger } from './engines/local/no-ledger.ts';
import { createRouting } from './routes/routing.ts';
import { fileLimit } from './edge/server/file-limit.ts';
import { buildServer } from './edge/server/build.ts';
import { answerUnknown } from './edge/server/errors.ts';
import { startHeartbeat } from './core/heartbeat.ts';
import { socketsPlugin } from './edge/sockets/plugin.ts';
import { asksForWebSocket } from './edge/sockets/upgrade-request.ts';
import { VERSION } from './config/version.ts';

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
  /** For generators: sees the control API's server before its routes. */
  /** Default: all that there are. */
  readonly dialects?: Dialects;
  readonly beforeRoutes?: (server: FastifyInstance) => Promise<void>;
};

/** Puts the parts together; the only file that sees every folder. */
export async function createApp(
  config: Config,
  logger: Logger,
  { node, link, dialects = DIALECTS, beforeRoutes }: AppOptions,
): Promise<App> {
  const serverLogger = logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : logger.level }); // its "listening" lines are in our start line
  const log = logOf(logger);
  const meter = new Meter();
  const owner = ownerToken();
  const ledger = await createLedger(config, log, link);
  const bus: Bus = link === null ? createMemoryBus() : createIpcBus({ link, owner, timeoutMs: config.BUS_TIMEOUT_MS });
  const gateway = new Gateway({
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
    metrics: () => metrics.json(),
    routeOf: (name) => routing.byName(name),
  });

  const transports = new Map<string, Transport>();
  const transportTo = (origin: string): Transport => {
    let transport = transports.get(origin);
    if (transport === undefined) {
      const { BACKEND_CONNECTIONS: connections, BACKEND_PIPELINING: pipelining } = config;
      transport = withBreaker(createHttpTransport({ origin, connections, pipelining, observer: meter }), {
        clock: systemClock,
        log,
        name: origin,
      });
      transports.set(origin, transport);
    }
    return transport;
  };
  let controlPort = config.CONTROL_PORT ?? config.PORT;
  const wsUri = (id: string) => `${config.WS_HOSTNAME ?? `localhost:${controlPort}`}/${encodeURIComponent(id)}`;
  const routing = await createRouting(config, {
    dialects,
    wsUri,
    serve: (origin, speech, limits) => serveOverHttp(speech, { transport: transportTo(origin), clock: systemClock, log, limits }),
  });

  const serverOptions = {
    logger: serverLogger,
    asksForWebSocket,
    trustedProxies: config.TRUST_PROXY.entries,
    handshakeTimeoutMs: config.HANDSHAKE_TIMEOUT_MS,
    maxBodyBytes: routing.largestMessageBytes,
  };
  const publicServer = buildServer({ ...serverOptions, upgrades: () => (gateway.isDraining ? 'no longer' : 'now') });
  const controlServer = config.CONTROL_PORT === undefined ? publicServer : buildServer({ ...serverOptions, upgrades: () => 'never' });
  const isShared = controlServer === publicServer;

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
  await beforeRoutes?.(controlServer);
  answerUnknown(publicServer, true);
  if (!isShared) answerUnknown(controlServer, false);
  const metrics = createMetrics(gateway, meter);
  const readiness = [{ name: 'ledger', problem: () => ledger.problem, isRequired: false }];
  await controlServer.register(healthRoutes, { isReady: () => gateway.isReady, checks: readiness });
  const guard = createGuard({ allow: config.CONTROL_ALLOW, tokens: config.CONTROL_TOKEN, trustedProxies: config.TRUST_PROXY });
  await controlServer.register(rootRoutes, { version: VERSION, node, guard: isShared ? guard : null });
  const query = (asked: Query) => gateway.query(asked);
  await controlServer.register(async (guarded) => {
    guarded.addHook('onRequest', (request, _reply, done) => done(guard(request) ?? undefined));
    await guarded.register(metricsRoutes, { query });
    await guarded.register(selectionRoutes, { query, wsUri, maxMessageBytes: routing.largestMessageBytes });
    const prefixes = new Set(['', pathOf(config.WS_HOSTNAME ?? '')]);
    const served = Object.values(dialects).filter(({ name }) => name === DEFAULT_DIALECT || routing.hasDialect(name));
    for (const prefix of prefixes) {
      for (const dialect of served) {
        const othersOnId = served.flatMap((other) => (other === dialect ? [] : other.onId));
        await guarded.register(dialect.routes, { dispatch: gateway.dispatch, wsUri, othersOnId, prefix });
      }
    }
  });
  const heartbeat = startHeartbeat(gateway, routing.shortestSpanMs);

  return {
    gateway,
    log,
    publicServer,
    controlServer,
    facts: {
      node,
      ledger: ledger.level,
      backends: [...transports.keys()],
      routes: routing.facts,
      bus: link === null ? 'memory' : 'ipc',
      fileLimit: fileLimit(),
    },
    async listen() {
      await bus.serve(gateway);
      gateway.bereaved(); // what a process before this one left untold
      const sharing = { backlog: 4_096, reusePort: link !== null }; // workers share the port by SO_REUSEPORT
      const publicUrl = await publicServer.listen({ ...sharing, host: config.HOST, port: config.PORT });
      const controlUrl = isShared
        ? publicUrl
        : await controlServer.listen({ ...sharing, host: config.CONTROL_HOST ?? config.HOST, port: config.CONTROL_PORT ?? 0 });
      controlPort = Number(new URL(controlUrl).port);
      return { publicUrl, controlUrl };
    },
    reloadRoutes: routing.reload,
    async close() {
      heartbeat.cancel();
      // @fastify/websocket 11.3.6 answers a late upgrade with 503 and leaves its socket open, for which close() would wait for ever;
      // to go when the plugin ends such sockets
      publicServer.server.removeAllListeners('upgrade');
      await Promise.all(isShared ? [publicServer.close()] : [publicServer.close(), controlServer.close()]);
      gateway.closings.stop();
      await bus.close();
      await Promise.all([...transports.values()].map((transport) => transport.close()));
      await ledger.close();
    },
  };
}

function createLedger({ JOURNAL_DIR: directory }: Config, log: Log, link: Link | null): Promise<Ledger> | Ledger {
  if (directory !== undefined) return createJournal({ directory, log });
  return link === null ? createNoLedger() : createIpcLedger(link);
}

function pathOf(prefix: string): string {
  if (prefix === '') return '';
  const { pathname } = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(prefix) ? prefix : `http://${prefix}`);
  return pathname.replace(/\/+$/, '');
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
