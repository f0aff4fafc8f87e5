import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoppableClock } from '../../src/core/stoppable-clock.ts';
import { ManualClock } from '../contracts/manual-clock.ts';

test('timers ring until it is stopped, and none after, old or new; a cancelled one never does', async () => {
  const time = new ManualClock();
  const clock = new StoppableClock(time);
  const rung: string[] = [];
  clock.after(10, () => rung.push('first'));
  clock.after(10, () => rung.push('cancelled')).cancel();
  clock.after(30, () => rung.push('late'));
  await time.pass(20);
  assert.deepEqual(rung, ['first']);
  clock.stop();
  clock.after(5, () => rung.push('new'));
  await time.pass(100);
  assert.deepEqual(rung, ['first']);
  assert.equal(clock.now(), time.now());
});
