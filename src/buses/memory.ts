import type { Bus } from '../core/ports.ts';

/** One process: no other could own a connection. */
export function createMemoryBus(): Bus {
  return { ask: () => null, close: () => Promise.resolve() };
}
