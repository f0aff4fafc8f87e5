import type { Bus } from '../../core/ports.ts';

/** One process: no other could own a connection. */
export function createMemoryBus(): Bus {
  return {
    serve: () => Promise.resolve(),
    ask: () => null,
    askAll: () => Promise.resolve({ parts: [], unreachable: [] }),
    claim: () => Promise.resolve(true),
    release: () => {},
    close: () => Promise.resolve(),
  };
}
