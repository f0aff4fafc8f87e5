import type { AwsFunction } from './api.ts';
import type { ThrottleSpec } from './schemas.ts';

/** The token buckets of one API's routes, in one process. */
export class Throttles {
  readonly #now: () => number;
  readonly #buckets = new Map<AwsFunction, Bucket>();

  /** `now`: ms of a clock that goes on evenly. */
  constructor(functions: Iterable<AwsFunction>, now: () => number) {
    this.#now = now;
    for (const fn of functions) if (fn.throttle !== null) this.#buckets.set(fn, new Bucket(fn.throttle, now()));
  }

  /** Takes a token; 0: there was one. Else the ms until there is. */
  waitMs(fn: AwsFunction): number {
    return this.#buckets.get(fn)?.take(this.#now()) ?? 0;
  }
}

class Bucket {
  readonly #rate: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: number;

  constructor({ rate, burst = Math.max(1, Math.floor(rate)) }: ThrottleSpec, now: number) {
    this.#rate = rate;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAt = now;
  }

  take(now: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filledAt) * this.#rate) / 1_000);
    this.#filledAt = now;
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) * 1_000) / this.#rate);
    this.#tokens -= 1;
    return 0;
  }
}
