import type { Clock, Timer } from './ports.ts';

/** The clock of one gateway, in a process that may go on without it: once it is stopped none of its timers rings. */
export class StoppableClock implements Clock {
  readonly #clock: Clock;
  readonly #waiting = new Set<Timer>();
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  date(): number {
    return this.#clock.date();
  }

  random(): number {
    return this.#clock.random();
  }

  after(ms: number, task: () => void): Timer {
    if (this.#isStopped) return { cancel() {} };
    const timer = this.#clock.after(ms, () => {
      this.#waiting.delete(timer);
      task();
    });
    this.#waiting.add(timer);
    return {
      cancel: () => {
        this.#waiting.delete(timer);
        timer.cancel();
      },
    };
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#waiting) timer.cancel();
    this.#waiting.clear();
  }
}
