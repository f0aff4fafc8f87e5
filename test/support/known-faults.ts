import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { IS_NORMAL_RUN } from './lanes.ts';

/** A fault of the gateway that is to be mended: how a failed input shows it, in its message. */
export type KnownFault = { readonly what: string; readonly shows: RegExp };

/** Lets a fuzzer go on where it meets a known fault. A fault that it no longer meets fails it: it was mended, and its line must go. */
export class KnownFaults {
  readonly #met: Map<KnownFault, number>;

  constructor(faults: readonly KnownFault[]) {
    this.#met = new Map(faults.map((fault) => [fault, 0]));
  }

  /** Is this failure one of a known fault? It is counted then. */
  excuses(failure: Error): boolean {
    const found = [...this.#met].find(([{ shows }]) => shows.test(failure.message));
    if (found === undefined) return false;
    this.#met.set(found[0], found[1] + 1);
    return true;
  }

  /** Has any input been excused? Then what was counted over all inputs is not exact. */
  get areMet(): boolean {
    return [...this.#met.values()].some((times) => times > 0);
  }

  judge(t: TestContext): void {
    for (const [{ what }, times] of this.#met) t.diagnostic(`KNOWN FAULT, met by ${times} inputs: ${what}`);
    const mended = [...this.#met].filter(([, times]) => times === 0).map(([{ what }]) => what);
    if (IS_NORMAL_RUN) assert.deepEqual(mended, [], 'no input met these known faults any more, so they must go from the list');
  }
}
