import type { Ledger } from '../../core/ports.ts';

/** Remembers nothing: `close` events are told by the living process only. */
export function createNoLedger(): Ledger {
  return {
    level: 'none',
    problem: null,
    opened: () => {},
    forget: () => {},
    orphans: () => Promise.resolve([]),
    close: () => Promise.resolve(),
  };
}
