import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paceOf, type Rates } from '../../src/core/pace.ts';
import { ManualClock } from '../contracts/manual-clock.ts';

/** Reads whenever it may, messages of so many bytes, for so long. Returns how many it has read. */
async function readFor(spanMs: number, bytes: number, rates: Rates): Promise<number> {
  const clock = new ManualClock();
  let isPaused = false;
  const pace = paceOf({ pause: () => void (isPaused = true), resume: () => void (isPaused = false) }, clock, rates);
  let count = 0;
  for (let passedMs = 0; passedMs < spanMs; passedMs += 10) {
    for (let tries = 0; tries < 100 && !isPaused; tries += 1) {
      pace?.took(bytes);
      count += 1;
    }
    await clock.pass(10);
  }
  return count;
}

const near = (count: number, wanted: number) => assert.ok(Math.abs(count - wanted) <= 2, `${count}, ${wanted} were wanted`);

test('messages come at MESSAGES_PER_SECOND, bytes at BYTES_PER_SECOND, and the slower of the two counts', async () => {
  near(await readFor(10_000, 1, { messagesPerSecond: 5, bytesPerSecond: 0 }), 5 * 11);
  near(await readFor(10_000, 100, { messagesPerSecond: 0, bytesPerSecond: 500 }), 5 * 11);
  near(await readFor(10_000, 100, { messagesPerSecond: 2, bytesPerSecond: 500 }), 2 * 11);
  near(await readFor(10_000, 100, { messagesPerSecond: 50, bytesPerSecond: 300 }), 3 * 11);
  near(await readFor(10_000, 5_000, { messagesPerSecond: 50, bytesPerSecond: 1_000 }), 2);
});

test('without a rate nothing is measured', () => {
  assert.equal(paceOf({ pause() {}, resume() {} }, new ManualClock(), { messagesPerSecond: 0, bytesPerSecond: 0 }), null);
});
