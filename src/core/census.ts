import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Connection } from './connection.ts';

/** Connections that are looked at in one turn of the event loop: about 2 ms. */
const SLICE = 20_000;

/** A gateway as far as it is counted. */
type Counted = {
  readonly connections: Iterable<Connection> & { readonly size: number };
  readonly closings: { readonly pending: number };
  readonly slowClients: { readonly size: number };
  readonly occupied: number;
  readonly unfinished: number;
  readonly isReady: boolean;
  readonly isDraining: boolean;
};

export type States = { connecting: number; open: number; closing: number };

/** What is there at the moment. */
export type Census = {
  readonly connections: number;
  /** By the names of routes, of which there are as many as the configuration has. */
  readonly byRoute: ReadonlyMap<string, Readonly<States>>;
  readonly clients: number;
  readonly undelivered: number;
  readonly held: number;
  readonly pausedClients: number;
  readonly slowClients: number;
  readonly closesPending: number;
  readonly unfinished: number;
  readonly ready: 0 | 1;
  readonly draining: 0 | 1;
};

/**
 * Looks at every connection once, in slices: a scrape pays for it, not the path of a message. Who comes or goes meanwhile is counted or not.
 * `leaving` are gone and still have messages.
 */
export async function censusOf(gateway: Counted, leaving: Iterable<Connection>): Promise<Census> {
  const byRoute = new Map<string, States>();
  const sums = { undelivered: 0, held: 0, paused: 0 };
  let seen = 0;
  for (const connection of gateway.connections) {
    seen += 1;
    if (seen % SLICE === 0) await nextTurn();
    const { state, route, isPaused } = connection;
    let states = byRoute.get(route.name);
    if (states === undefined) byRoute.set(route.name, (states = { connecting: 0, open: 0, closing: 0 }));
    if (state !== 'closed') states[state] += 1;
    if (isPaused) sums.paused += 1;
    look(connection, sums);
  }
  for (const connection of leaving) look(connection, sums);
  return {
    connections: gateway.connections.size,
    byRoute,
    clients: gateway.occupied,
    undelivered: sums.undelivered,
    held: sums.held,
    pausedClients: sums.paused,
    slowClients: gateway.slowClients.size,
    closesPending: gateway.closings.pending,
    unfinished: gateway.unfinished,
    ready: gateway.isReady ? 1 : 0,
    draining: gateway.isDraining ? 1 : 0,
  };
}

function look({ intake }: Connection, sums: { undelivered: number; held: number }): void {
  sums.undelivered += intake.undelivered;
  if (intake.isHolding) sums.held += 1;
}
