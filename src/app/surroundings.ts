import { environment } from '../config/environment.ts';
import { VERSION } from '../config/version.ts';
import { ownerToken } from '../core/ids.ts';
import { Meter } from '../core/meter.ts';
import { Observers } from '../core/observer.ts';
import type { Clock } from '../core/ports.ts';
import { Observatory } from '../edge/console/observatory.ts';
import { createMetrics, type Metrics } from '../edge/metrics/metrics.ts';
import { FileBudget, fileLimit } from '../edge/server/file-limit.ts';
import { join, type Joined } from '../engines/joining.ts';
import { TimedBus } from '../engines/timed-bus.ts';
import { openTracing } from '../tracing/index.ts';
import type { Tracing } from '../wire/tracing.ts';
import { ControlTokens } from '../edge/control/tokens.ts';
import { WebhookSigner } from '../wire/signing.ts';
import { openStream } from '../engines/streams.ts';
import { WsUris } from '../wire/ws-uris.ts';
import { Backends } from '../backends/index.ts';
import type { Routing } from '../routes/routing.ts';
import type { Gateway } from '../core/gateway.ts';
import type { Base } from './base.ts';
import type { Hosting } from './hosting.ts';

/** What the gateway leans on, and what tells of it. */
export type Surroundings = {
  readonly clock: Clock;
  /** This process's part of the ids that it gives out. */
  readonly owner: string;
  readonly meter: Meter;
  readonly metrics: Metrics;
  /** Null: nobody wants spans. */
  readonly tracing: Tracing | null;
  /** All that hear what happens. */
  readonly observers: Observers;
  readonly observatory: Observatory;
  /** Bus and ledger. */
  readonly joined: Joined;
  readonly backends: Backends;
  readonly wsUris: WsUris;
  /** Null: events are not signed. */
  readonly signer: WebhookSigner | null;
  /** Of the control API. */
  readonly tokens: ControlTokens;
  readonly files: FileBudget;
  /** Room for code in this process. */
  readonly hosting: Hosting;
};

export async function openSurroundings(
  { config, node, link, log, mountedAt, aroundFunction }: Base,
  clock: Clock,
  hosting: Hosting,
): Promise<Surroundings> {
  const { BACKEND_CONNECTIONS: connections, BACKEND_PIPELINING: pipelining, CLUSTER_URL: url } = config;
  const owner = ownerToken();
  const meter = new Meter();
  const signer = config.WEBHOOK_SECRETS.length === 0 ? null : new WebhookSigner(config.WEBHOOK_SECRETS, () => clock.date());
  const observers = new Observers([meter]);
  const { CONSOLE_PAYLOADS: payloads, CONSOLE_ENDS: ends } = config;
  const engine =
    url === undefined
      ? undefined
      : {
          url,
          credentials: config.CLUSTER_CREDENTIALS ?? null,
          cluster: config.CLUSTER_NAME,
          leaseMs: config.CLUSTER_LEASE_MS,
        };
  const garbageCame = (messages: number): void => meter.counted('envelopesDropped', messages);
  const engines = await join({
    engine,
    journal: config.JOURNAL_DIR,
    timeoutMs: config.BUS_TIMEOUT_MS,
    owner,
    node,
    link,
    log,
    garbageCame,
  });
  const joined = engines.name === 'memory' ? engines : { ...engines, bus: new TimedBus(engines.bus, meter.roundTrips) };
  const tracing = await openTracing(config.TRACING, { version: VERSION, node, log });
  const backends = new Backends({
    clock,
    log,
    observer: meter,
    timings: meter.calls,
    tracing,
    connections,
    pipelining,
    signer,
    environment: environment(),
    aroundFunction,
    consumer: owner,
    streams: openStream,
    handlersAt: async (url) => (await hosting.open()).handlersAt(url),
  });
  const files = new FileBudget({
    limit: fileLimit(),
    backendConnections: connections,
    httpSockets: config.MAX_HTTP_SOCKETS,
    servers: config.CONTROL_PORT === undefined ? 1 : 2,
  });
  const { ledger, problem, leaseAgeMs } = joined;
  return {
    clock,
    owner,
    meter,
    observers,
    observatory: new Observatory({ clock, meter, observers, payloads, ends }),
    metrics: createMetrics({
      version: VERSION,
      meter,
      places: () => config.MAX_CONNECTIONS || files.clients,
      backends: () => backends.health,
      cluster: () => ({ isJoined: problem() === null, isLedgerWhole: ledger.problem === null, leaseAgeMs: leaseAgeMs() }),
    }),
    tracing,
    joined,
    backends,
    signer,
    tokens: new ControlTokens({ admin: config.CONTROL_TOKEN, push: config.CONTROL_PUSH_TOKEN, read: config.CONTROL_READ_TOKEN }),
    wsUris: new WsUris(config.WS_HOSTNAME, {
      port: config.CONTROL_PORT ?? config.PORT,
      isSecure: config.tlsContents !== null,
      path: mountedAt ?? '',
    }),
    files,
    hosting,
  };
}

/** What is inside, between clients and backends. */
export type Inside = { readonly gateway: Gateway; readonly routing: Routing };
export type Whole = Inside & { readonly surroundings: Surroundings };
