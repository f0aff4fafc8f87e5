import type { Connection } from './connection.ts';
import type { Gateway } from './gateway.ts';

const TICK_MS = 20;
/** A gateway that fell behind, on a busy machine, catches up at this many times the mean rate; nobody is to be overrun. */
const CATCH_UP = 1.6;
/** What is left so long after the span is told at once. */
export const LATENESS_MS = 200;

/**
 * Says goodbye (1001) to every client, spread evenly over `spanMs`, so that they do not all come back to the other
 * nodes at once. Resolves when the last has been told.
 */
export async function sayGoodbye(gateway: Gateway, spanMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { clock, connections } = gateway;
  const startedAt = clock.now();
  const perMs = connections.size / Math.max(1, spanMs);
  const total = connections.size;
  const told = new Set<Connection>();
  let allowance = 1;
  let lastAt = startedAt;
  const tick = (): void => {
    const now = clock.now();
    allowance = Math.min(Math.max(1, perMs * TICK_MS * CATCH_UP), allowance + (now - lastAt) * perMs * CATCH_UP);
    lastAt = now;
    const isLate = now - startedAt >= spanMs + (spanMs > 0 ? LATENESS_MS : 0);
    const due = Math.ceil((total * (now - startedAt + TICK_MS)) / Math.max(1, spanMs)) - told.size;
    for (const connection of nextToTell(gateway, told, isLate ? Infinity : Math.min(due, Math.floor(allowance)))) {
      allowance -= 1;
      told.add(connection); // one that is still being let in is told when it is open, and counts now
      gateway.observer.counted('goodbyesSaid', 1);
      connection.sayGoodbye();
    }
    if (!isLate && told.size < total && connections.size > 0) clock.after(TICK_MS, tick);
    else resolve();
  };
  tick();
  return promise;
}

function nextToTell(gateway: Gateway, told: ReadonlySet<Connection>, count: number): Connection[] {
  const next: Connection[] = [];
  for (const connection of gateway.connections) {
    if (next.length >= count) break;
    if ((connection.state === 'open' || connection.state === 'connecting') && !told.has(connection)) next.push(connection);
  }
  return next;
}
