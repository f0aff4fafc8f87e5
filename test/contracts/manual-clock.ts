import type { Clock, Timer } from '../../src/core/ports.ts';

type Entry = { readonly at: number; readonly task: () => void };

/** Time that passes only when a test says so; everything due happens, in its order. */
export class ManualClock implements Clock {
  #now: number;
  #entries: Entry[] = [];
  randomness = 0.5;

  constructor(startAt = 1_000_000) {
    this.#now = startAt;
  }

  now(): number {
    return this.#now;
  }

  date(): number {
    return this.#now;
  }

  random(): number {
    return this.randomness;
  }

  after(ms: number, task: () => void): Timer {
    const entry = { at: this.#now + ms, task };
    this.#entries.push(entry);
    return {
      cancel: () => {
        this.#entries = this.#entries.filter((other) => other !== entry);
      },
    };
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#entries.length;
  }

  /** Lets time pass, and after each thing that happens, whatever was put off to the end of the turn. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      const due = this.#entries.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#entries = this.#entries.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.at);
      due.task();
      await endOfTurn();
    }
    this.#now = until;
    await endOfTurn();
  }

  /** Lets time pass in which nothing can happen; what was due happens at its end, in its order. */
  async leap(ms: number): Promise<void> {
    this.#now += ms;
    await this.pass(0);
  }
}

/** All microtasks and ticks have run. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
