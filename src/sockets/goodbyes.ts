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
  let told = 0;
  const tick = (): void => {
    const share = spanMs <= 0 ? 1 : Math.min(1, (gateway.clock.now() - startedAt + TICK_MS) / spanMs);
    const due = Math.ceil(total * share) - told;
    for (const connection of openOnes(gateway, share === 1 ? Infinity : due)) {
      connection.close(1001, 'going away');
      told += 1;
    }
    if (share < 1 && gateway.connections.size > 0) gateway.clock.after(TICK_MS, tick);
    else resolve();
  };
  tick();
  return promise;
}

function* openOnes(gateway: Gateway, count: number) {
  let left = count;
  for (const connection of gateway.connections) {
    if (left <= 0) return;
    if (connection.state !== 'open' && connection.state !== 'connecting') continue;
    left -= 1;
    yield connection;
  }
}
