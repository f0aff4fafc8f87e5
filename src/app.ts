import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { certificateFacts } from './config/certificates.ts';
import type { Config } from './config/load.ts';
import { certificatesIn } from './config/tls.ts';
import type { Gateway } from './core/gateway.ts';
import { startHeartbeat } from './core/heartbeat.ts';
import type { Log } from './core/ports.ts';
import { StoppableClock } from './core/stoppable-clock.ts';
import { systemClock } from './core/system-clock.ts';
import type { Dialects } from './dialects/definition.ts';
import { DIALECTS } from './dialects/index.ts';
import { LOCKED } from './edge/control/access.ts';
import type { ReadinessCheck } from './edge/control/health.ts';
import { forgivePauses } from './edge/server/own-pauses.ts';
import { fileLimit } from './edge/server/file-limit.ts';
import type { Link } from './engines/processes/link.ts';
import type { GivenHandlers } from './library/hosted.ts';
import type { HostedGateway } from './library/hosted-gateway.ts';
import type { GivenRoutes, Routing } from './routes/routing.ts';
import { type Base, logOf } from './app/base.ts';
import { isControlOpen, serveControl } from './app/control.ts';
import { openGateway } from './app/gateway.ts';
import { Hosting } from './app/hosting.ts';
import { openRouting } from './app/routing.ts';
import { begin, buildServers, closeServers, listen, serveClients } from './app/servers.ts';
import type { AroundFunction } from './wire/functions.ts';
import { openSurroundings, type Surroundings } from './app/surroundings.ts';
import { watchFiles } from './app/watching.ts';

export type App = {
  readonly gateway: Gateway;
  readonly log: Log;
  /** Where clients connect. */
  readonly publicServer: FastifyInstance;
  /** The same one, unless CONTROL_PORT is set. */
  readonly controlServer: FastifyInstance;
  /** Between being prepared and listening it waits for `prepared`. */
  readonly listen: (prepared?: () => Promise<void>) => Promise<{ readonly publicUrl: string; readonly controlUrl: string }>;
  /** In the server of an application, in place of `listen`: who has a path, and to be told on which port it is. */
  readonly mount: () => Promise<{ readonly find: Routing['find']; readonly listensOn: (port: number) => void }>;
  /** Reads ROUTES_FILE, and handler files, again; says what is wrong and changes nothing, or returns null. */
  readonly reloadRoutes: () => Promise<string | null>;
  /** Looks now whether certificates and secrets in files have changed, which it does every few seconds by itself. Never rejects. */
  readonly rereadFiles: () => Promise<void>;
  /** Handler files (targets of type module) are read again by the calls from now on; connections stay. */
  readonly reloadHandlers: () => void;
  /** Sets limits of connections from now on whose route has none of its own. */
  readonly relimit: Routing['relimit'];
  readonly limits: Routing['standardLimits'];
  /** The gateway as code in this process sees it; null where there is none. */
  readonly hosted: HostedGateway | null;
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
  /** Of a host, in place of API_URI and ROUTES_FILE, with its handlers by the URLs that stand for them. */
  readonly routes?: GivenRoutes & { readonly handlers: GivenHandlers };
  /** Where an application serves the control API, which has a server of its own then that listens nowhere. */
  readonly mountedAt?: string;
  /** What `/readyz` looks at beside the app's own state. */
  readonly checks?: readonly ReadinessCheck[];
  /** Wraps what runs the functions of dialect `aws`. */
  readonly aroundFunction?: AroundFunction;
  /** For generators: sees the control API's server before its routes. */
  readonly beforeRoutes?: (server: FastifyInstance) => Promise<void>;
};

/** For the last spans, when all else is told. */
const SPANS_MS = 200;

/** Puts the parts together, from the inside out. This file and its room `app/` are the only ones that see every room. */
export async function createApp(config: Config, logger: Logger, options: AppOptions): Promise<App> {
  const { node, link, dialects = DIALECTS, checks = [], routes = null, mountedAt = null, beforeRoutes, aroundFunction } = options;
  const base: Base = { node, link, dialects, checks, routes, mountedAt, config, logger, log: logOf(logger), aroundFunction };
  const clock = new StoppableClock(systemClock);
  const hosting = new Hosting(base, routes?.handlers ?? null);
  if (routes !== null || config.EXTENSIONS.length > 0) await hosting.open();
  const surroundings = await openSurroundings(base, clock, hosting);
  const leave = async (): Promise<void> => {
    await surroundings.backends.disobey(); // commands ask other nodes by the bus
    await surroundings.joined.bus.close();
    await surroundings.backends.close();
    await surroundings.joined.ledger.close();
    surroundings.metrics.stop();
    await surroundings.tracing?.stop(SPANS_MS);
    clock.stop();
  };
  const routing = await openRouting(base, surroundings).catch(async (error: unknown) => {
    await leave(); // a host's process goes on
    throw error;
  });
  const gateway = openGateway(base, surroundings, routing);
  hosting.made({ gateway, routing, observers: surroundings.observers });
  const servers = buildServers(base, { gateway, routing, surroundings });
  for (const { server } of new Set([servers.publicServer, servers.controlServer])) forgivePauses(server, systemClock);
  await serveClients(base, servers, { gateway, routing, surroundings });
  await beforeRoutes?.(servers.controlServer);
  await serveControl(base, servers, { gateway, routing, surroundings });
  const watch = watchFiles(base, servers, surroundings);
  const heartbeat = startHeartbeat(gateway, () => routing.extremes().shortestSpanMs);
  return {
    gateway,
    log: base.log,
    publicServer: servers.publicServer,
    controlServer: servers.controlServer,
    facts: factsOf(base, surroundings, routing),
    listen: (prepared) => listen(base, servers, { gateway, surroundings, prepared }),
    async mount() {
      await begin({ gateway, surroundings });
      await Promise.all([servers.publicServer.ready(), servers.controlServer.ready()]);
      return { find: routing.find, listensOn: (port) => surroundings.wsUris.listensOn(port) };
    },
    rereadFiles: () => watch.look(),
    async reloadRoutes() {
      const problem = await routing.reload();
      if (problem === null) surroundings.backends.reload();
      return problem;
    },
    reloadHandlers: () => surroundings.backends.reload(),
    relimit: routing.relimit,
    limits: routing.standardLimits,
    hosted: hosting.hosted?.gateway ?? null,
    async close() {
      heartbeat.cancel();
      watch.stop();
      await closeServers(servers);
      surroundings.observatory.stop();
      gateway.closings.stop();
      await leave();
    },
  };
}

function factsOf({ node, config }: Base, { owner, joined, backends }: Surroundings, routing: Routing): Readonly<Record<string, unknown>> {
  return {
    node,
    ledger: joined.ledger.level,
    backends: backends.targets,
    routes: routing.facts,
    bus: joined.name,
    ...(config.CLUSTER_URL !== undefined && { cluster: config.CLUSTER_NAME, owner }),
    fileLimit: fileLimit(),
    ...(config.tlsContents !== null && { certificate: certificateFacts(certificatesIn(config.tlsContents)) }),
    control: isControlOpen(config) ? 'open to those that it was opened to' : LOCKED,
  };
}
