import { CLOSE } from './close-codes.ts';
import type { Connection } from './connection.ts';
import type { Clock } from './ports.ts';

const SWEEP_MS = 1_000;

/**
 * Closes connections whose right to be here is over (4401), by the second. One timer for all of them, and none while there
 * are none; it is the date that counts, so that a clock that is set, or a process that slept, changes nothing.
 */
export class Expiries {
  readonly #clock: Clock;
  /** Until when, epoch ms. */
  readonly #untilOf = new Map<Connection, number>();
  #isWatching = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `until`: epoch ms. */
  add(connection: Connection, until: number): void {
    this.#untilOf.set(connection, until);
    if (!this.#isWatching) this.#clock.after(SWEEP_MS, this.#sweep);
    this.#isWatching = true;
  }

  /** Connections that are watched; those that have ended leave within a second. */
  get size(): number {
    return this.#untilOf.size;
  }

  readonly #sweep = (): void => {
    const now = this.#clock.date();
    for (const [connection, until] of this.#untilOf) {
      if (connection.state === 'open' && until > now) continue;
      this.#untilOf.delete(connection);
      if (connection.state === 'open') connection.close(CLOSE.TOKEN_EXPIRED, 'token expired');
    }
    this.#isWatching = this.#untilOf.size > 0;
    if (this.#isWatching) this.#clock.after(SWEEP_MS, this.#sweep);
  };
}
