import type { Clock, Timer } from '../../core/ports.ts';

/** How a callback ended. `late`: it has not, in its time, and whatever it does later counts for nothing. */
export type Ended =
  | { readonly type: 'returned'; readonly value: unknown }
  | { readonly type: 'threw'; readonly error: unknown }
  | { readonly type: 'late' }
  | { readonly type: 'stopped' };

type Wait = { readonly since: number; readonly ended: (how: Ended) => void };

/** Those that wait for something, or did just now and have a timer yet, which keeps the process alive: whoever ends them holds nobody else. */
export type Busy = Set<Waits>;

/** Waits for what callbacks promised. All have the same time, so the oldest is the first that is over it, and one timer serves all. */
export class Waits {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #busy: Busy;
  readonly #waits = new Set<Wait>();
  #timer: Timer | null = null;

  constructor(clock: Clock, limitMs: number, busy: Busy) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#busy = busy;
  }

  /** `ended` is called once, never from inside the call. */
  add(promised: PromiseLike<unknown>, ended: (how: Ended) => void): void {
    const wait: Wait = { since: this.#clock.now(), ended };
    this.#waits.add(wait);
    this.#wake(this.#limitMs);
    Promise.resolve(promised).then(
      (value) => this.#end(wait, { type: 'returned', value }),
      (error: unknown) => this.#end(wait, { type: 'threw', error }),
    );
  }

  /** Ends all, before their time. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#busy.delete(this);
    for (const wait of this.#waits) this.#end(wait, { type: 'stopped' });
  }

  #end(wait: Wait, how: Ended): void {
    if (this.#waits.delete(wait)) wait.ended(how);
  }

  #endLate(): void {
    this.#timer = null;
    const now = this.#clock.now();
    for (const wait of this.#waits) {
      const leftMs = wait.since + this.#limitMs - now;
      if (leftMs > 0) {
        this.#wake(leftMs);
        return;
      }
      this.#end(wait, { type: 'late' });
    }
    if (this.#timer === null) this.#busy.delete(this);
  }

  #wake(afterMs: number): void {
    if (this.#timer !== null) return;
    this.#timer = this.#clock.after(afterMs, () => this.#endLate());
    this.#busy.add(this);
  }
}

export function isPromised(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
