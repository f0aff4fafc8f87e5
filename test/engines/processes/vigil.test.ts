import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Vigil } from '../../../src/engines/processes/vigil.ts';

/** Two workers under a vigil of 20 s, looked at every second. */
function scene() {
  let now = 1_000;
  const vigil = new Vigil({ silenceMs: 20_000, lookEveryMs: 1_000, now });
  vigil.heard(1);
  vigil.heard(2);
  return {
    vigil,
    /** A second passes, and these workers say that they live. */
    second: (...beating: number[]): number[] => {
      now += 1_000;
      for (const worker of beating) vigil.heard(worker);
      return vigil.look(now);
    },
    /** Nobody runs. */
    frozen: (ms: number): void => {
      now += ms;
    },
  };
}

test('a worker that is silent for 20 s hangs, and is named once; the others are not named', () => {
  const { second } = scene();
  for (let count = 1; count < 20; count += 1) assert.deepEqual(second(1), []);
  assert.deepEqual(second(1), [2]);
  for (let count = 0; count < 60; count += 1) assert.deepEqual(second(1), []);
});

test('a stall of 3 s, again and again, is none', () => {
  const { second } = scene();
  for (let count = 1; count < 200; count += 1) assert.deepEqual(count % 4 === 0 ? second(1, 2) : second(1), []);
});

test('time in which the supervisor did not run blames nobody', () => {
  const { second, frozen } = scene();
  for (let count = 0; count < 10; count += 1) {
    frozen(3_600_000);
    assert.deepEqual(second(), []);
    assert.deepEqual(second(1, 2), []);
  }
});

test('who has ended is not watched any more, and its successor begins anew, with 30 s more to load', () => {
  const { vigil, second } = scene();
  for (let count = 0; count < 19; count += 1) second(1);
  vigil.forget(2);
  assert.deepEqual(second(1), []);
  vigil.began(2);
  for (let count = 0; count < 49; count += 1) assert.deepEqual(second(1), []);
  assert.deepEqual(second(1), [2]);
});
