import type { FastifyInstance } from 'fastify';
import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { Answers, Query } from '../../core/commands.ts';
import type { Gauges } from '../../core/gateway.ts';
import type { Meter } from '../../core/meter.ts';
import { ACCESS_ERRORS, INCOMPLETE, textAnswer } from '../../wire/error-schemas.ts';

/** The numbers of a Meter. */
type MeterField = { [Field in keyof Meter]: Meter[Field] extends number ? Field : never }[keyof Meter];

/** What a counter of the Meter is called and means. The order is that of a connection's life. */
const COUNTERS: { readonly [Field in MeterField]: readonly [name: string, help: string] } = {
  opensAccepted: ['wsaas_opens_accepted_total', 'Clients that the backend let in.'],
  handshakesRefused: ['wsaas_handshakes_refused_total', 'Upgrade requests refused by HANDSHAKES_PER_SECOND_PER_IP.'],
  tokensRefused: ['wsaas_tokens_refused_total', 'Clients refused for want of a valid token (JWT_JWKS_URI).'],
  closesStarted: ['wsaas_closes_started_total', 'close events that were due.'],
  closesDelivered: ['wsaas_closes_delivered_total', 'close events that the backend acknowledged.'],
  closesLost: ['wsaas_closes_lost_total', 'close events given up: over CLOSE_RETRY_FOR_MS or CLOSE_BACKLOG.'],
  orphansTold: ['wsaas_orphans_told_total', 'close events told for connections of dead processes.'],
  messagesReceived: ['wsaas_messages_received_total', 'Messages read from clients.'],
  messagesDelivered: ['wsaas_messages_delivered_total', 'Messages that the backend took.'],
  messagesComplained: ['wsaas_messages_complained_total', 'Messages that the backend took and answered with 4xx or 5xx.'],
  messagesRetried: ['wsaas_messages_retried_total', 'Repeated calls for a message.'],
  messagesUndelivered: ['wsaas_messages_undelivered_total', 'Messages given up after BACKEND_RETRY_FOR_MS.'],
  bytesReceived: ['wsaas_received_bytes_total', 'Payload bytes read from clients.'],
  pushesSent: ['wsaas_pushes_sent_total', "Frames handed to clients' sockets."],
  pushesQueued: ['wsaas_pushes_queued_total', 'Pushes that came before their connection was open.'],
  pushesRefused: ['wsaas_pushes_refused_total', 'Pushes answered 413 or 429.'],
  bytesSent: ['wsaas_sent_bytes_total', "Payload bytes handed to clients' sockets."],
  slowClientsEnded: ['wsaas_slow_clients_ended_total', 'Clients ended by SLOW_CLIENT_TIMEOUT_MS.'],
  pingTimeouts: ['wsaas_ping_timeouts_total', 'Clients closed because they answered no ping.'],
  backendFailures: ['wsaas_backend_failures_total', 'Calls to backends that ended without a whole answer.'],
  callsReceived: ['wsaas_rpc_calls_received_total', 'Calls of clients (dialect ocpp).'],
  callsExpired: ['wsaas_rpc_calls_expired_total', 'Calls of clients that got an error because their time was over.'],
  callsSent: ['wsaas_rpc_calls_sent_total', 'Calls of the backend that were sent to clients.'],
  callsUnanswered: ['wsaas_rpc_calls_unanswered_total', 'Calls of the backend that no client answered in time.'],
  callsLost: ['wsaas_rpc_calls_lost_total', 'Calls of the backend that were still queued when their client left.'],
  answersDropped: ['wsaas_rpc_answers_dropped_total', 'Answers of clients that came late, twice, or to nothing.'],
  framesMalformed: ['wsaas_rpc_frames_malformed_total', "Frames that break the rules of the client's version."],
  framesIgnored: ['wsaas_rpc_frames_ignored_total', 'Empty frames, and frames of an unknown type.'],
  envelopesDropped: ['wsaas_cluster_messages_dropped_total', 'Messages on the channels of the cluster that could not be understood.'],
  commandsExecuted: ['wsaas_stream_commands_executed_total', 'Commands from streams that were carried out.'],
  commandsDropped: ['wsaas_stream_commands_dropped_total', 'Commands from streams that could not be understood; they are dead letters.'],
  commandsExpired: ['wsaas_stream_commands_expired_total', 'Commands from streams that came after the time that they name.'],
  commandsClaimed: ['wsaas_stream_commands_claimed_total', 'Commands taken over from a consumer that did not acknowledge them.'],
};

/** This process's metrics as prom-client's JSON, with what the gateway shows at the moment. */
export type Metrics = (gauges: Gauges) => Promise<readonly unknown[]>;

/** What a gauge of the gateway is called and means. */
const GAUGES: { readonly [Field in keyof Gauges]: readonly [name: string, help: string] } = {
  connections: ['wsaas_connections', 'Clients connected or being let in.'],
  closesPending: ['wsaas_closes_pending', 'close events not acknowledged yet.'],
  draining: ['wsaas_draining', '1 while this process says goodbye.'],
};

/** Prometheus metrics of one process, read when they are asked for; nothing is counted twice. */
export function createMetrics(meter: Meter): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'wsaas_', eventLoopMonitoringPrecision: 20 });
  register<MeterField>(registry, COUNTERS, meter);
  registry.registerMetric(
    new Counter({
      name: 'wsaas_opens_refused_total',
      help: 'Clients that were refused, by the backend, for want of it, or by a limit.',
      labelNames: ['reason'],
      registers: [],
      collect() {
        this.reset();
        for (const [reason, count] of meter.opensRefused) this.inc({ reason }, count);
      },
    }),
  );
  const gauges = new Map<keyof Gauges, Gauge>();
  for (const [field, [name, help]] of Object.entries(GAUGES) as [keyof Gauges, readonly [string, string]][]) {
    const gauge = new Gauge({ name, help, registers: [registry] });
    gauges.set(field, gauge);
  }
  return (shown) => {
    for (const [field, gauge] of gauges) gauge.set(shown[field]);
    return registry.getMetricsAsJSON();
  };
}

/** One Prometheus counter for each field of a meter, read when asked. */
function register<Field extends string>(
  registry: Registry,
  rows: Record<Field, readonly [string, string]>,
  meter: Record<Field, number>,
): void {
  for (const [field, [name, help]] of Object.entries(rows) as [Field, readonly [string, string]][]) {
    registry.registerMetric(
      new Counter({
        name,
        help,
        registers: [],
        collect() {
          this.reset();
          this.inc(meter[field]);
        },
      }),
    );
  }
}

const metricsSchema = {
  operationId: 'metrics',
  tags: ['operations'],
  summary: 'Prometheus metrics; every name begins with wsaas_',
  response: { 200: textAnswer('Text exposition format 0.0.4.', 'wsaas_connections 2\n', INCOMPLETE), ...ACCESS_ERRORS },
};

export type MetricsRoutesOptions = { readonly query: (query: Query) => Promise<Answers> };

/** The sum over all processes of this node that answer in time; other nodes are asked by themselves. */
export async function metricsRoutes(server: FastifyInstance, { query }: MetricsRoutesOptions): Promise<void> {
  server.get('/metrics', { schema: metricsSchema }, async (_request, reply) => {
    const { parts, unreachable } = await query({ type: 'metrics' });
    const registry = AggregatorRegistry.aggregate(parts.map((part) => [...(part.metrics ?? [])]));
    if (unreachable.length > 0) void reply.header('WS-Incomplete', unreachable.join(', '));
    return reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8').send(await registry.metrics());
  });
  server.allowOnly('/metrics', ['GET']);
}
