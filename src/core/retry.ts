const SHORTEST_MS = 100;
const LONGEST_MS = 5_000;

/** Between half of a span and the span, which doubles: 100 to 200 ms at first, 2.5 to 5 s at last (docs/contract.md#repetitions). */
export function backOffMs(attempt: number, random: number): number {
  const span = Math.min(LONGEST_MS, SHORTEST_MS * 2 ** Math.min(attempt + 1, 10));
  return span / 2 + (span / 2) * random;
}

export type Attempt = {
  /** How many tries for this event have failed before this one. */
  readonly attempts: number;
  /** The wait that the backend asks for, or null. */
  readonly afterMs: number | null;
  /** Until the event is given up. */
  readonly leftMs: number;
  /** 0 ≤ x < 1, for jitter. */
  readonly random: number;
};

/**
 * How long an event that was not taken is held until it is tried again; null: its time is over. The last try of our own
 * back-off falls on the deadline; a wait that the backend asks for and that goes beyond the deadline is the end.
 */
export function retryDelayMs({ attempts, afterMs, leftMs, random }: Attempt): number | null {
  const delayMs = afterMs ?? Math.max(SHORTEST_MS, Math.min(leftMs, backOffMs(attempts, random)));
  return delayMs > leftMs ? null : delayMs;
}
