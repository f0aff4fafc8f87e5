import type { Meter } from '../../core/meter.ts';
import { counter, type Family, histogram, type Labels, sample, type Sample } from './family.ts';

/** The numbers of a Meter. */
type MeterField = { [Field in keyof Meter]: Meter[Field] extends number ? Field : never }[keyof Meter];

/** What a counter of the Meter is called and means. The order is that of a connection's life. */
const COUNTERS: { readonly [Field in MeterField]: readonly [name: string, help: string, labels?: Labels] } = {
  opensAccepted: ['wsaas_opens_accepted_total', 'Clients that the backend let in.'],
  handshakesRefused: ['wsaas_handshakes_refused_total', 'Upgrade requests refused by HANDSHAKES_PER_SECOND_PER_IP.'],
  tokensRefused: ['wsaas_tokens_refused_total', 'Clients refused for want of a valid token (JWT_JWKS_URI).'],
  closesStarted: ['wsaas_closes_started_total', 'close events that were due.'],
  closesDelivered: ['wsaas_closes_delivered_total', 'close events that the backend acknowledged.'],
  closesRetried: ['wsaas_closes_retried_total', 'Repeated calls for a close event.'],
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
  goodbyesSaid: ['wsaas_goodbyes_total', 'Clients that were told that the gateway leaves.'],
  'push sent': pushed('sent'),
  'push queued': pushed('queued'),
  'push not-found': pushed('not-found'),
  'push invalid': pushed('invalid'),
  'push not-text': pushed('not-text'),
  'push too-long': pushed('too-long'),
  'push slow': pushed('slow'),
  'push unavailable': pushed('unavailable'),
  'push timeout': pushed('timeout'),
};

function pushed(result: string): readonly [name: string, help: string, labels: Labels] {
  return ['wsaas_pushes_total', 'Pushes to one connection, by how they were answered.', { result }];
}

/** All that a process has counted since its start. */
export function countersOf(meter: Meter): Family[] {
  const families = new Map<string, { readonly help: string; readonly values: Sample[] }>();
  for (const [field, [name, help, labels]] of Object.entries(COUNTERS) as [MeterField, (typeof COUNTERS)[MeterField]][]) {
    const value = sample(meter[field], labels);
    const known = families.get(name);
    if (known === undefined) families.set(name, { help, values: [value] });
    else known.values.push(value);
  }
  return [
    ...[...families].map(([name, { help, values }]) => counter({ name, help }, values)),
    counter(
      { name: 'wsaas_opens_refused_total', help: 'Clients that were refused, by the backend, for want of it, or by a limit.' },
      [...meter.opensRefused].map(([reason, count]) => sample(count, { reason })),
    ),
    counter(
      { name: 'wsaas_connections_ended_total', help: 'Ends of connections, by close code and by who ended them.' },
      [...meter.ends].flatMap(([code, closers]) => [...closers].map(([by, count]) => sample(count, { code, by }))),
    ),
    histogram(
      {
        name: 'wsaas_backend_call_duration_seconds',
        help: 'Calls to backends, by event and by status class, failure, or whether a broker stored it.',
      },
      meter.calls,
      ['event', 'status'],
    ),
    histogram(
      { name: 'wsaas_bus_round_trip_seconds', help: 'Questions to other processes, by what was asked and how it ended.' },
      meter.roundTrips,
      ['question', 'end'],
    ),
  ];
}
