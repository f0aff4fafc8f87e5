import type { Clock } from './ports.ts';

const PER_SECOND = 10;

/** Lets so many things of one kind be told in a second, and counts those that are not. */
export class Seldom {
  readonly #clock: Clock;
  #since = 0;
  #told = 0;
  #missed = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Null: not now. Else it may be told, and with it how many were not since the last one. */
  missed(): number | null {
    const now = this.#clock.now();
    if (now - this.#since >= 1_000) {
      this.#since = now;
      this.#told = 0;
    }
    this.#told += 1;
    if (this.#told > PER_SECOND) {
      this.#missed += 1;
      return null;
    }
    const missed = this.#missed;
    this.#missed = 0;
    return missed;
  }
}
