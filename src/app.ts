import { randomBytes } from 'node:crypto';
import { BlockList } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { withBreaker } from './backends/breaker.ts';
import { createHttpBackend } from './backends/http.ts';
import { createMemoryBus } from './buses/memory.ts';
import type { Config } from './config.ts';
import { authPlugin } from './control/auth.ts';
import { healthRoutes } from './control/health.ts';
import { createMetrics, metricsRoutes } from './control/metrics.ts';
import { rootRoutes } from './control/root.ts';
import { Gateway } from './core/gateway.ts';
import type { Limits } from './core/limits.ts';
import { Meter } from './core/meter.ts';
import type { Backend, Bus, Ledger, Log } from './core/ports.ts';
import type { Route } from './core/route.ts';
import { systemClock } from './core/system-clock.ts';
import { WsaasDialect, wsaasRoutes } from './dialects/wsaas/index.ts';
import { createNoLedger } from './ledgers/none.ts';
import { fileLimit } from './server/file-limit.ts';
import { buildServer } from './server/build.ts';
import { answerUnknown } from './server/plain.ts';
import { startHeartbeat } from './sockets/heartbeat.ts';
import { originCheck } from './sockets/origins.ts';
import { socketsPlugin } from './sockets/plugin.ts';
import { asksForWebSocket } from './sockets/upgrade-request.ts';
import { VERSION } from './version.ts';

/** Descriptors kept free for the backend's sockets come on top of these, for files, pipes and the control API. */
const RESERVED_FILES = 128;

export type App = {
  readonly gateway: Gateway;
  /** Where clients connect. */
  readonly publicServer: FastifyInstance;
  /** The same one, unless CONTROL_PORT is set. */
  readonly controlServer: FastifyInstance;
  readonly listen: () => Promise<{ readonly publicUrl: string; readonly controlUrl: string }>;
  /** From now on `/readyz` is 503; clients are still let in, until balancers have noticed. */
  readonly beUnready: () => void;
  /** From now on every upgrade is refused with 503. */
  readonly stopUpgrades: () => void;
  readonly close: () => Promise<void>;
  /** What the first log line tells. */
  readonly facts: Readonly<Record<string, unknown>>;
};

/** Puts the parts together; the only file that sees every folder. */
export async function createApp(config: Config, logger: Logger): Promise<App> {
  const serverLogger = logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : logger.level }); // its "listening" lines are in our start line
  const log = logOf(logger);
  const meter = new Meter();
  const node = config.NODE_NAME ?? randomBytes(4).toString('hex');
  const ledger: Ledger = createNoLedger();
  const bus: Bus = createMemoryBus();
  const gateway = new Gateway({
    clock: systemClock,
    log,
    meter,
    ledger,
    bus,
    node,
    openConcurrency: config.OPEN_CONCURRENCY,
    openQueue: config.OPEN_QUEUE,
    openQueueTimeoutMs: config.OPEN_QUEUE_TIMEOUT_MS,
    closeConcurrency: config.CLOSE_CONCURRENCY,
    closeBacklog: config.CLOSE_BACKLOG,
  });

  const limits = limitsOf(config);
  const backend: Backend = withBreaker(
    createHttpBackend({
      origin: config.API_URI.origin,
      connections: config.BACKEND_CONNECTIONS,
      pipelining: config.BACKEND_PIPELINING,
      meter,
    }),
    { clock: systemClock, log, name: config.API_URI.origin },
  );
  let controlPort = config.CONTROL_PORT ?? config.PORT;
  const wsUri = (id: string) => `${config.WS_HOSTNAME ?? `localhost:${controlPort}`}/${id}`;
  const dialect = new WsaasDialect({
    backendPath: decodeURI(config.API_URI.pathname).includes('{id}')
      ? (config.API_URI.pathname + config.API_URI.search).replaceAll(/%7Bid%7D/gi, '{id}')
      : config.API_URI.pathname + config.API_URI.search,
    wsUri,
    backendHeaders: config.BACKEND_HEADERS,
    limits,
    reply: false,
  });
  const route: Route = { name: 'default', dialect, backend, limits };

  let acceptsUpgrades = true;
  let isUnready = false;
  const serverOptions = {
    logger: serverLogger,
    trustedProxies: config.TRUST_PROXY.entries,
    handshakeTimeoutMs: config.HANDSHAKE_TIMEOUT_MS,
    maxBodyBytes: config.MAX_MESSAGE_BYTES,
  };
  const publicServer = buildServer({ ...serverOptions, upgrades: (request) => acceptsUpgrades && asksForWebSocket(request) });
  const controlServer = config.CONTROL_PORT === undefined ? publicServer : buildServer({ ...serverOptions, upgrades: () => false });
  const isShared = controlServer === publicServer;

  await publicServer.register(socketsPlugin, {
    gateway,
    findRoute: () => route,
    isOriginAllowed: originCheck(config.ORIGINS),
    forwardHeaders: config.FORWARD_HEADERS,
    refuseWith: config.REFUSE_WITH as 'http' | 'close',
    maxMessageBytes: config.MAX_MESSAGE_BYTES,
    maxConnections: config.MAX_CONNECTIONS || Math.max(1, fileLimit() - config.BACKEND_CONNECTIONS - RESERVED_FILES),
    maxConnectionsPerIp: config.MAX_CONNECTIONS_PER_IP || Infinity,
    closeTimeoutMs: config.CLOSE_TIMEOUT_MS,
    compression: config.COMPRESSION === 'on',
  });
  answerUnknown(publicServer, true, () => gateway.isDraining);
  if (!isShared) answerUnknown(controlServer, false, () => gateway.isDraining);
  const authOptions = { allow: config.CONTROL_ALLOW, tokens: config.CONTROL_TOKEN, trustedProxies: config.TRUST_PROXY ?? new BlockList() };
  const metrics = createMetrics(gateway);
  const readiness = [{ name: 'ledger', problem: () => ledger.problem, isRequired: false }];
  await controlServer.register(healthRoutes, { isDraining: () => isUnready, checks: readiness });
  await controlServer.register(async (guarded) => {
    await guarded.register(authPlugin, authOptions);
    await guarded.register(metricsRoutes, metrics);
    await guarded.register(rootRoutes, { version: VERSION, node });
    const commands = { gateway, wsUri };
    await guarded.register(wsaasRoutes, commands);
    const prefix = pathOf(config.WS_HOSTNAME ?? '');
    if (prefix !== '') await guarded.register(wsaasRoutes, { ...commands, prefix });
  });
  const spans = [limits.idleTimeoutMs, limits.slowClientTimeoutMs].filter((span) => span > 0);
  const heartbeat = startHeartbeat(gateway, Math.min(...spans));

  return {
    gateway,
    publicServer,
    controlServer,
    facts: { node, ledger: ledger.level, backend: config.API_URI.href, bus: 'memory', fileLimit: fileLimit() },
    async listen() {
      const publicUrl = await publicServer.listen({ host: config.HOST, port: config.PORT, backlog: 4_096 });
      const controlUrl = isShared
        ? publicUrl
        : await controlServer.listen({ host: config.CONTROL_HOST ?? config.HOST, port: config.CONTROL_PORT ?? 0 });
      controlPort = Number(new URL(controlUrl).port);
      return { publicUrl, controlUrl };
    },
    beUnready() {
      isUnready = true;
    },
    stopUpgrades() {
      acceptsUpgrades = false;
      gateway.isDraining = true;
    },
    async close() {
      heartbeat.cancel();
      publicServer.server.removeAllListeners('upgrade'); // else app.close() can wait for ever for a socket that upgraded late
      await Promise.all(isShared ? [publicServer.close()] : [publicServer.close(), controlServer.close()]);
      gateway.closings.stop();
      await bus.close();
      await backend.close();
      await ledger.close();
    },
  };
}

function limitsOf(config: Config): Limits {
  return {
    idleTimeoutMs: config.WS_TIMEOUT,
    maxMessageBytes: config.MAX_MESSAGE_BYTES,
    messagesPerSecond: config.MESSAGES_PER_SECOND,
    inboxMessages: config.INBOX_MESSAGES,
    inboxBytes: config.INBOX_BYTES,
    sendBufferBytes: config.SEND_BUFFER_BYTES,
    slowClientTimeoutMs: config.SLOW_CLIENT_TIMEOUT_MS,
    openTimeoutMs: config.OPEN_TIMEOUT_MS,
    backendTimeoutMs: config.BACKEND_TIMEOUT_MS,
    backendRetryForMs: config.BACKEND_RETRY_FOR_MS,
    closeRetryForMs: config.CLOSE_RETRY_FOR_MS,
    idempotencyKeys: config.IDEMPOTENCY_KEYS,
  };
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
