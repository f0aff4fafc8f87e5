import { setTimeout as elapsed } from 'node:timers/promises';
import { nowUs } from './message.ts';

export { elapsed };

const LOOK_EVERY_MS = 1;

/**
 * Calls `emit` for everything that is due, with the microsecond at which it was. It looks at every event of its owner and
 * every millisecond, and sleeps between: at a low rate whoever writes to this process must wake it, as in real life.
 */
export class OpenLoop {
  readonly #spacingUs: number;
  readonly #count: number;
  readonly #emit: (dueUs: number) => void;
  readonly #begin = nowUs();
  #emitted = 0;

  constructor(ratePerSecond: number, durationMs: number, emit: (dueUs: number) => void) {
    this.#spacingUs = 1e6 / ratePerSecond;
    this.#count = Math.floor((ratePerSecond * durationMs) / 1_000);
    this.#emit = emit;
  }

  look(): void {
    const due = Math.min(this.#count, Math.floor((nowUs() - this.#begin) / this.#spacingUs));
    while (this.#emitted < due) {
      const dueUs = this.#begin + this.#emitted * this.#spacingUs;
      this.#emitted += 1; // first: what is emitted may look again
      this.#emit(dueUs);
    }
  }

  /** Resolves when everything was emitted. */
  async over(): Promise<void> {
    for (this.look(); this.#emitted < this.#count; this.look()) await elapsed(LOOK_EVERY_MS);
  }
}
