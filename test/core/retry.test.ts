import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { backOffMs, retryDelayMs } from '../../src/core/retry.ts';

fc.configureGlobal({ seed: 1 }); // a failure prints how to find it again; a run finds what the last one found

test('the back-off is jittered over the upper half of a span that doubles: 100 to 200 ms at first, 2.5 to 5 s at last', () => {
  const bounds = Array.from({ length: 9 }, (_, attempt) => [backOffMs(attempt, 0), backOffMs(attempt, 1)]);
  assert.deepEqual(bounds.slice(0, 3), [
    [100, 200],
    [200, 400],
    [400, 800],
  ]);
  assert.deepEqual(bounds.at(-1), [2_500, 5_000]);
});

test('no attempt waits less than 100 ms or more than 5 s', () => {
  fc.assert(
    fc.property(fc.nat({ max: 1e9 }), fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (attempt, random) => {
      const ms = backOffMs(attempt, random);
      assert.ok(ms >= 100 && ms <= 5_000, `${ms} ms`);
    }),
  );
});

test('the last try of our own back-off falls on the deadline, and none comes after it', () => {
  const attempt = { attempts: 10, afterMs: null, random: 0.5 };
  assert.equal(retryDelayMs({ ...attempt, leftMs: 60_000 }), 3_750);
  assert.equal(retryDelayMs({ ...attempt, leftMs: 700 }), 700);
  assert.equal(retryDelayMs({ ...attempt, leftMs: 100 }), 100);
  assert.equal(retryDelayMs({ ...attempt, leftMs: 0 }), null);
});

test('a wait that the backend asks for makes it longer, never shorter, and never longer than the time that is left', () => {
  const attempt = { attempts: 0, random: 0.5, leftMs: 7_000 };
  assert.equal(retryDelayMs({ ...attempt, afterMs: 7_000 }), 7_000);
  assert.equal(retryDelayMs({ ...attempt, afterMs: 3_000 }), 3_000);
  for (const afterMs of [7_001, 86_400_000, Infinity]) assert.equal(retryDelayMs({ ...attempt, afterMs }), 7_000, String(afterMs));
  for (const afterMs of [0, 1, 99]) assert.equal(retryDelayMs({ ...attempt, afterMs }), 150, String(afterMs));
});
