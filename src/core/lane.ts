import { Fifo } from './fifo.ts';
import type { Clock, Timer } from './ports.ts';

/** Why a lane did not take something. */
export type LaneRefusal = 'full' | 'too-late';

type Waiting = { readonly start: () => void; readonly refuse: (why: LaneRefusal) => void; readonly startBefore: number };

/**
 * Lets `concurrency` pieces of work run at once; up to `queueLimit` others wait, in order, until their time is over.
 * It keeps one kind of call (opens, closes) from taking the whole backend from another (messages).
 */
export class Lane {
  readonly #waiting = new Fifo<Waiting>();
  readonly #clock: Clock;
  readonly #concurrency: number;
  readonly #queueLimit: number;
  #running = 0;
  #timer: Timer | null = null;

  constructor(options: { readonly clock: Clock; readonly concurrency: number; readonly queueLimit: number }) {
    this.#clock = options.clock;
    this.#concurrency = options.concurrency;
    this.#queueLimit = options.queueLimit;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /**
   * `waitMs`: the same for all who enter. Null, at once or by a promise: there is room; the caller then owes one `leave`. A refusal:
   * it owes none.
   */
  enter(waitMs: number): LaneRefusal | null | Promise<LaneRefusal | null> {
    if (this.#running < this.#concurrency) {
      this.#running += 1;
      return null;
    }
    if (this.#waiting.length >= this.#queueLimit) return 'full';
    return new Promise((resolve) => {
      this.#waiting.push({ start: () => resolve(null), refuse: resolve, startBefore: this.#clock.now() + waitMs });
      if (this.#timer === null) this.#timer = this.#clock.after(waitMs, () => this.#refuseLate());
    });
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next.start();
  }

  #refuseLate(): void {
    this.#timer = null;
    const now = this.#clock.now();
    for (let first = this.#waiting.first; first !== undefined; first = this.#waiting.first) {
      if (first.startBefore > now) {
        this.#timer = this.#clock.after(first.startBefore - now, () => this.#refuseLate());
        return;
      }
      this.#waiting.shift();
      first.refuse('too-late');
    }
  }
}
