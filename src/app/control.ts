import { getHeapSnapshot } from 'node:v8';
import type { Config } from '../config/load.ts';
import { VERSION } from '../config/version.ts';
import type { Query } from '../core/commands.ts';
import { DEFAULT_DIALECT } from '../dialects/index.ts';
import { guardRoutes, lockRoutes } from '../edge/control/access.ts';
import { serveCommands } from '../edge/control/commands.ts';
import { createGuard, PRIVATE_NETWORKS, type GuardOptions } from '../edge/control/guard.ts';
import { shortenPlainPushes } from '../edge/control/plain-push.ts';
import { healthRoutes } from '../edge/control/health.ts';
import { metricsRoutes } from '../edge/control/metrics.ts';
import { profilingRoutes } from '../edge/control/profiling.ts';
import type { ControlTokens } from '../edge/control/tokens.ts';
import { rootRoutes } from '../edge/control/root.ts';
import { selectionRoutes } from '../edge/control/selections.ts';
import { traceCommands } from '../edge/control/traced.ts';
import { consolePage } from '../edge/console/page.ts';
import { consoleRoutes } from '../edge/console/routes.ts';
import type { Watcher } from '../edge/console/watcher.ts';
import { readinessOf } from '../engines/joining.ts';
import { readUri } from '../wire/ws-uris.ts';
import type { Base } from './base.ts';
import { largestMessageBytes, type Servers } from './servers.ts';
import type { Whole } from './surroundings.ts';

/** Of a CPU profile that is taken while clients are served: a text of them is made in some ten ms. */
const MOST_SAMPLES = 20_000;

export async function serveControl(
  { config, node, log, dialects, checks }: Base,
  servers: Servers,
  { gateway, routing, surroundings }: Whole,
): Promise<void> {
  const { controlServer, isShared, publicSockets, controlSockets } = servers;
  const { wsUris } = surroundings;
  const brokers = { name: 'streams', problem: () => surroundings.backends.problem, isRequired: false };
  const readiness = [...readinessOf(surroundings.joined, config.REQUIRE_BUS === 'true'), brokers, ...checks];
  await controlServer.register(healthRoutes, { isReady: () => gateway.isReady, checks: readiness });
  const guard = createGuard(guardOptionsOf(config, surroundings.tokens));
  await controlServer.register(rootRoutes, { version: VERSION, node, guard: isShared ? guard : null });
  const query = (asked: Query) => gateway.query(asked);
  const isOpen = isControlOpen(config);
  const release = isOpen ? controlSockets : null;
  const watchers = new Set<Watcher>();
  surroundings.metrics.attach(() => ({
    watchers: watchers.size,
    httpSockets: publicSockets.size + (isShared ? 0 : controlSockets.size),
  }));
  await controlServer.register(async (guarded) => {
    guardRoutes(guarded, { guard, release });
    if (!isOpen) lockRoutes(guarded);
    await guarded.register(metricsRoutes, { query });
    await guarded.register(profilingRoutes, {
      isOn: config.DEBUG_PROFILING === 'true',
      node,
      clock: surroundings.clock,
      log,
      startCpuProfile: async (expectedMs) => (await import('../profiling/session.ts')).startCpuProfile(expectedMs, MOST_SAMPLES),
      heapSnapshot: () => getHeapSnapshot(),
    });
    await guarded.register(async (traced) => {
      traceCommands(traced, surroundings.tracing, gateway.connections);
      await traced.register(selectionRoutes, { query, wsUri: wsUris.of, maxMessageBytes: largestMessageBytes(routing) });
    });
    await guarded.register(consoleRoutes, {
      query,
      clock: surroundings.clock,
      wsUri: wsUris.of,
      version: VERSION,
      node,
      payloads: config.CONSOLE_PAYLOADS,
      watchers,
      maxWatchers: config.CONSOLE_WATCHERS,
    });
  });
  await controlServer.register(async (page) => {
    guardRoutes(page, { guard: guard.place, release: null }); // it holds no secret, and asks for the token
    if (!isOpen) lockRoutes(page);
    await page.register(consolePage);
  });
  await serveCommands(controlServer, {
    dialects: Object.values(dialects),
    defaultDialect: DEFAULT_DIALECT,
    hasDialect: routing.hasDialect,
    controls: routing.controls,
    gateway,
    tracing: surroundings.tracing,
    wsUris,
    guard,
    release,
    isOpen,
  });
  if (surroundings.tracing !== null) return; // its spans come from the framework's hooks
  shortenPlainPushes(controlServer.server, {
    find: (id) => gateway.connections.find(id),
    dispatch: gateway.dispatch,
    prefixes: [...new Set(['/', `${wsUris.path}/`])],
    maxBodyBytes: largestMessageBytes(routing),
    guard,
    httpSockets: controlSockets,
    release,
  });
}

/** Has the operator said who may command what can be guessed (docs/contract.md#who-may-call)? */
export function isControlOpen(config: Config): boolean {
  const tokens = config.CONTROL_TOKEN.length + config.CONTROL_PUSH_TOKEN.length + config.CONTROL_READ_TOKEN.length;
  const isCertain = config.TLS_CLIENT_CA_FILE !== undefined;
  return config.CONTROL_ALLOW.entries.length > 0 || tokens > 0 || config.CONTROL_PORT !== undefined || isCertain;
}

function guardOptionsOf(config: Config, tokens: ControlTokens): GuardOptions {
  const named = [config.WS_HOSTNAME ?? '', ...config.CONTROL_ORIGINS].flatMap((url) => readUri(url)?.host ?? []);
  return {
    allow: config.CONTROL_ALLOW.entries.length > 0 ? config.CONTROL_ALLOW : PRIVATE_NETWORKS,
    tokens,
    wantsCertificate: config.TLS_CLIENT_CA_FILE !== undefined,
    trustedProxies: config.TRUST_PROXY,
    origins: config.CONTROL_ORIGINS,
    hosts: named,
  };
}
