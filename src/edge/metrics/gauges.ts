import type { Census } from '../../core/census.ts';
import type { BackendHealth } from '../../wire/calls.ts';
import { type Aggregator, type Family, gauge, sample } from './family.ts';

type NumberField = { [Field in keyof Census]: Census[Field] extends number ? Field : never }[keyof Census];

/** What a number of the census is called and means. */
const NUMBERS: { readonly [Field in NumberField]: readonly [name: string, help: string, aggregator?: Aggregator] } = {
  connections: ['wsaas_connections', 'Clients connected or being let in.'],
  clients: ['wsaas_places_taken', 'Places of MAX_CONNECTIONS that are taken, also by clients that wait to be let in.'],
  undelivered: ['wsaas_inbox_messages', 'Messages read from clients that the backend has not taken yet.'],
  held: ['wsaas_held_messages', 'Messages that the backend did not take when asked, and that will be sent again.'],
  pausedClients: ['wsaas_paused_clients', 'Clients that are not read from, as their inbox is full or their pace too high.'],
  slowClients: ['wsaas_slow_clients', 'Clients over SEND_BUFFER_BYTES.'],
  closesPending: ['wsaas_closes_pending', 'close events not acknowledged yet.'],
  unfinished: [
    'wsaas_unfinished',
    'Connections that are not over, or whose messages or close event are not delivered yet: what a drain waits for.',
  ],
  ready: ['wsaas_ready', '1 while /readyz lets clients come, as far as the process itself knows; of several workers the least.', 'min'],
  draining: ['wsaas_draining', 'Processes that say goodbye.'],
};

export function gaugesOf(census: Census, places: number): Family[] {
  const states = [...census.byRoute].flatMap(([route, counts]) =>
    Object.entries(counts).map(([state, count]) => sample(count, { route, state })),
  );
  return [
    ...(Object.entries(NUMBERS) as [NumberField, (typeof NUMBERS)[NumberField]][]).map(([field, [name, help, aggregator]]) =>
      gauge({ name, help }, [sample(census[field])], aggregator),
    ),
    gauge({ name: 'wsaas_places', help: 'Clients that there may be at once: MAX_CONNECTIONS of all workers.' }, [sample(places)]),
    gauge({ name: 'wsaas_route_connections', help: 'Clients by route and state.' }, states),
  ];
}

/** Who is there beside the clients. */
export type Beside = {
  /** Streams of live events that this process serves. */
  readonly watchers: number;
  /** Sockets that are neither clients nor known callers. */
  readonly httpSockets: number;
};

export function besideOf({ watchers, httpSockets }: Beside): Family[] {
  return [
    gauge({ name: 'wsaas_console_watchers', help: 'Consoles and `wsaas tail`s that watch: open streams of live events.' }, [
      sample(watchers),
    ]),
    gauge(
      {
        name: 'wsaas_http_sockets',
        help: 'Sockets that are neither clients nor callers whom the control API let in, also those whose TLS handshake or request is not done.',
      },
      [sample(httpSockets)],
    ),
  ];
}

const STATES = ['up', 'returning', 'down'] as const;

/** How the backends look from here. */
export function backendsOf(health: readonly BackendHealth[]): Family[] {
  return [
    gauge(
      { name: 'wsaas_backend_state', help: 'Processes that take a backend for up, returning or down, by kind of event.' },
      health.flatMap(({ backend, event, state }) => STATES.map((one) => sample(one === state ? 1 : 0, { backend, event, state: one }))),
    ),
    gauge(
      { name: 'wsaas_backend_calls_waiting', help: 'Calls held back while a backend is down or returning.' },
      health.map(({ backend, event, waiting }) => sample(waiting, { backend, event })),
    ),
  ];
}

export type ClusterHealth = {
  readonly isJoined: boolean;
  readonly isLedgerWhole: boolean;
  /** Null where there is no lease. */ readonly leaseAgeMs: number | null;
};

export function clusterOf({ isJoined, isLedgerWhole, leaseAgeMs }: ClusterHealth): Family[] {
  return [
    gauge(
      { name: 'wsaas_bus_up', help: '1 while other processes can be asked; of several workers the least.' },
      [sample(isJoined ? 1 : 0)],
      'min',
    ),
    gauge(
      { name: 'wsaas_ledger_whole', help: '1 while every open connection would be remembered; of several workers the least.' },
      [sample(isLedgerWhole ? 1 : 0)],
      'min',
    ),
    gauge(
      {
        name: 'wsaas_cluster_lease_age_seconds',
        help: 'Since the lease was last renewed; at CLUSTER_LEASE_MS the others take a process for dead.',
      },
      leaseAgeMs === null ? [] : [sample(leaseAgeMs / 1000)],
      'max',
    ),
  ];
}
