import type { Clock } from './ports.ts';

/** Something that must be over by a time. It carries the list's links itself: nothing is allocated per deadline. */
export interface Expiring {
  /** Links of `Deadlines`, and of nobody else. */
  before: Expiring | null;
  after: Expiring | null;
  expiresAt: number;
  /** Called once its time is over; it has left the list then. */
  expire(): void;
}

/**
 * Deadlines of very many short-lived things that all have the same span, or one that only grows: they expire in the order in
 * which they came, so one timer serves all. A `Set` or a timer for each would keep dead ones alive until the next full collection.
 */
export class Deadlines {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #spanMs: () => number;
  #first: Expiring | null = null;
  #last: Expiring | null = null;
  #isTimed = false;

  constructor(clock: Pick<Clock, 'now'>, spanMs: () => number) {
    this.#clock = clock;
    this.#spanMs = spanMs;
  }

  add(item: Expiring): void {
    const spanMs = this.#spanMs();
    item.expiresAt = this.#clock.now() + spanMs;
    item.before = this.#last;
    if (this.#last === null) this.#first = item;
    else this.#last.after = item;
    this.#last = item;
    if (!this.#isTimed) this.#wait(spanMs);
  }

  remove(item: Expiring): void {
    const { before, after } = item;
    if (before === null && this.#first !== item) return; // it has left already
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
    item.before = null;
    item.after = null;
  }

  /** Ends all, before their time. */
  endAll(end: (item: Expiring) => void): void {
    for (let item = this.#first; item !== null; item = this.#first) {
      this.remove(item);
      end(item);
    }
  }

  #wait(ms: number): void {
    this.#isTimed = true;
    setTimeout(this.#due, Math.max(1, ms)).unref(); // the sockets that are waited for keep the process alive
  }

  /** At the end of a pause of this process it rings too early: an answer may be there that could not be read yet. */
  readonly #due = (): void => {
    this.#isTimed = false;
    const now = this.#clock.now();
    for (let item = this.#first; item !== null; item = this.#first) {
      if (item.expiresAt > now) {
        this.#wait(Math.ceil(item.expiresAt - now));
        return;
      }
      this.remove(item);
      item.expire();
    }
  };
}
