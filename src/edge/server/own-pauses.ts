import type { Server } from 'node:http';

/** A clock that knows how much time it has left out. */
export type PausingClock = { now(): number; readonly leftOutMs: number };

/**
 * Node measures how long a request takes to come by the machine's time, and looks again right after a pause of this
 * process, when what came meanwhile is still to be read. So each request may take longer by the pauses of its time.
 */
export function forgivePauses(server: Server, clock: PausingClock): void {
  for (const name of ['headersTimeout', 'requestTimeout'] as const) {
    const standardMs = server[name];
    if (standardMs === 0) continue;
    const credit = new Credit(clock, standardMs);
    // Node 24 reads them at each of its looks (test/edge/server/own-pauses.test.ts)
    Object.defineProperty(server, name, { configurable: true, enumerable: true, get: () => standardMs + credit.ms });
  }
}

/** The pauses within the last span of time that this process ran. */
class Credit {
  readonly #clock: PausingClock;
  readonly #spanMs: number;
  readonly #pauses: { readonly at: number; readonly ms: number }[] = [];
  #leftOutMs: number;

  constructor(clock: PausingClock, spanMs: number) {
    this.#clock = clock;
    this.#spanMs = spanMs;
    this.#leftOutMs = clock.leftOutMs;
  }

  get ms(): number {
    const { leftOutMs } = this.#clock;
    const at = this.#clock.now();
    if (leftOutMs > this.#leftOutMs) this.#pauses.push({ at, ms: leftOutMs - this.#leftOutMs });
    this.#leftOutMs = leftOutMs;
    while (this.#pauses[0] !== undefined && this.#pauses[0].at < at - this.#spanMs) this.#pauses.shift();
    return this.#pauses.reduce((sum, { ms }) => sum + ms, 0);
  }
}
