/** Upper bounds in ms: a call on the same machine takes one, the longest time-out is half a minute. */
export const BOUNDS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000] as const;

/** How often something took how long. Counting costs a few comparisons and allocates nothing. */
export class Histogram {
  /** One for each bound, and one for what took longer. Not cumulative. */
  readonly counts: number[] = Array.from({ length: BOUNDS_MS.length + 1 }, () => 0);
  sumMs = 0;

  took(ms: number): void {
    let bucket = 0;
    while (bucket < BOUNDS_MS.length && ms > (BOUNDS_MS[bucket] as number)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sumMs += ms;
  }
}

/** Histograms by what was done and how it ended. Both are words of the code, never of a stranger: there are few. */
export class Timings {
  readonly #histograms = new Map<string, Map<string, Histogram>>();

  took(what: string, end: string, ms: number): void {
    const ends = this.#histograms.get(what);
    const known = ends?.get(end);
    if (known !== undefined) return known.took(ms);
    const histogram = new Histogram();
    if (ends === undefined) this.#histograms.set(what, new Map([[end, histogram]]));
    else ends.set(end, histogram);
    histogram.took(ms);
  }

  *[Symbol.iterator](): IterableIterator<readonly [what: string, end: string, histogram: Histogram]> {
    for (const [what, ends] of this.#histograms) for (const [end, histogram] of ends) yield [what, end, histogram];
  }
}
