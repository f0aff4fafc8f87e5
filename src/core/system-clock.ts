import type { Clock, Timer } from './ports.ts';

/** How often time is looked at, at least. */
export const TICK_MS = 100;
/** A longer span between two looks was a pause: the process was frozen, starved or busy with one thing, and served nobody. */
export const PAUSE_MS = 3 * TICK_MS;

/** The machine's time. */
export type TimeSource = {
  /** Nobody sets it, and it goes on whether this process runs or not. */
  elapsedMs(): number;
  /** Epoch ms. */
  date(): number;
  random(): number;
  wait(ms: number, task: () => void): Timer;
  /** Again and again; does not keep the process alive. */
  every(ms: number, task: () => void): void;
};

/**
 * Time in which this process ran. What happened in a pause is not known yet at its end, so no deadline may fall into one:
 * of each pause only `TICK_MS` counts (docs/operations.md#pauses-of-the-gateway).
 */
export class RunningClock implements Clock {
  readonly #source: TimeSource;
  readonly #startedAt: number;
  #seenMs: number;
  #leftOutMs = 0;
  #isTicking = false;

  constructor(source: TimeSource) {
    this.#source = source;
    this.#seenMs = source.elapsedMs();
    this.#startedAt = source.date() - this.#seenMs;
  }

  now(): number {
    if (!this.#isTicking) this.#begin();
    const elapsedMs = this.#source.elapsedMs();
    const spanMs = elapsedMs - this.#seenMs;
    if (spanMs > PAUSE_MS) this.#leftOutMs += spanMs - TICK_MS;
    this.#seenMs = elapsedMs;
    return this.#startedAt + elapsedMs - this.#leftOutMs;
  }

  date(): number {
    return this.#source.date();
  }

  random(): number {
    return this.#source.random();
  }

  after(ms: number, task: () => void): Timer {
    return new RunningTimer(this, this.#source, { at: this.now() + ms, task });
  }

  /** All the pauses since the start. */
  get leftOutMs(): number {
    this.now();
    return this.#leftOutMs;
  }

  /** A clock that nobody has asked yet sees no pause. */
  #begin(): void {
    this.#isTicking = true;
    this.#seenMs = this.#source.elapsedMs();
    this.#source.every(TICK_MS, () => this.now());
  }
}

/** The machine's timers go on in a pause, and ring at its end: then the rest is still to be waited for. */
class RunningTimer implements Timer {
  readonly #clock: Clock;
  readonly #source: TimeSource;
  readonly #at: number;
  readonly #task: () => void;
  #waiting: Timer;

  constructor(clock: Clock, source: TimeSource, { at, task }: { readonly at: number; readonly task: () => void }) {
    this.#clock = clock;
    this.#source = source;
    this.#at = at;
    this.#task = task;
    this.#waiting = this.#wait();
  }

  cancel(): void {
    this.#waiting.cancel();
  }

  #wait(): Timer {
    return this.#source.wait(Math.max(0, Math.ceil(this.#at - this.#clock.now())), this.#rung);
  }

  readonly #rung = (): void => {
    if (this.#clock.now() < this.#at) this.#waiting = this.#wait();
    else this.#task();
  };
}

/** For every span and deadline of this process. */
export const systemClock = new RunningClock({
  elapsedMs: () => performance.now(),
  date: Date.now,
  random: Math.random,
  wait(ms, task) {
    const timer = setTimeout(task, ms);
    return { cancel: () => clearTimeout(timer) };
  },
  every: (ms, task) => void setInterval(task, ms).unref(),
});
