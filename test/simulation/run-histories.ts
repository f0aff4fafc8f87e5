import assert from 'node:assert/strict';
import { test } from 'node:test';

export type Run = (options: {
  readonly seed: number;
  readonly tally: Map<string, number>;
  readonly isVerbose: boolean;
}) => Promise<readonly string[]>;

export type Histories = {
  readonly run: Run;
  /** Histories of a normal run: with so many, each of `mustHappen` has happened `times` times, else their silence proves nothing. */
  readonly normal: number;
  /** Histories of this run. */
  readonly count: number;
  readonly mustHappen: readonly string[];
  readonly times: number;
  /** What such histories are and keep. */
  readonly are: string;
  readonly keep: string;
};

/** Runs histories of the seeds from 1 on, or the one of SIMULATION_SEED, which is told step by step. */
export function testHistories({ run, normal, count, mustHappen, times, are, keep }: Histories): void {
  const seed = process.env['SIMULATION_SEED'];
  if (seed !== undefined) {
    test(`the history of seed ${seed} keeps ${keep}`, async () => {
      assert.deepEqual(await run({ seed: Number(seed), tally: new Map(), isVerbose: true }), []);
    });
    return;
  }
  test(`${count} random histories${are} keep ${keep}`, async () => {
    const tally = new Map<string, number>();
    for (let next = 1; next <= count; next += 1) {
      const violations = await run({ seed: next, tally, isVerbose: false });
      if (violations.length > 0)
        assert.fail(
          `the history of seed ${next} breaks a promise; to see it all: SIMULATION_SEED=${next}\n${violations.slice(0, 10).join('\n')}`,
        );
    }
    if (count < normal) return;
    const rare = mustHappen.filter((what) => (tally.get(what) ?? 0) < times);
    assert.deepEqual(rare, [], `too rare to prove anything, of ${JSON.stringify(Object.fromEntries(tally))}`);
  });
}
