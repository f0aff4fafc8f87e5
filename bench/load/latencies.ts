import { percentile } from '../statistics.ts';

const MOST = 2 ** 22; // 32 MiB; a longer run forgets its oldest

/** Microseconds from when a message was due until it had arrived. */
export class Latencies {
  #values = new Float64Array(2 ** 16);
  #count = 0;

  add(us: number): void {
    if (this.#count === this.#values.length && this.#count < MOST) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count % this.#values.length] = us;
    this.#count += 1;
  }

  forget(): void {
    this.#count = 0;
  }

  percentiles(): { readonly p50Us: number; readonly p99Us: number } {
    const sorted = this.#values.slice(0, Math.min(this.#count, this.#values.length)).toSorted();
    return { p50Us: percentile(sorted, 50), p99Us: percentile(sorted, 99) };
  }
}
