import type { Connection } from '../core/connection.ts';
import type { Gateway } from '../core/gateway.ts';

const TICK_MS = 20;

/**
 * Says goodbye (1001) to every client, spread evenly over `spanMs`, so that they do not all come back to the other
 * nodes at once. Resolves when the last has been told.
 */
export async function sayGoodbye(gateway: Gateway, spanMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const startedAt = gateway.clock.now();
  const total = gateway.connections.size;
  const told = new Set<Connection>();
  const tick = (): void => {
    const share = spanMs <= 0 ? 1 : Math.min(1, (gateway.clock.now() - startedAt + TICK_MS) / spanMs);
    const due = Math.ceil(total * share) - told.size;
    for (const connection of nextToTell(gateway, told, share === 1 ? Infinity : due)) {
      told.add(connection); // one that is still being let in is told when it is open, and counts now
      connection.close(1001, 'going away');
    }
    if (share < 1 && gateway.connections.size > 0) gateway.clock.after(TICK_MS, tick);
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
