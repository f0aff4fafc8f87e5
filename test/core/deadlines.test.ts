import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadlines, type Expiring } from '../../src/core/deadlines.ts';
import { Arrivals } from '../support/arrivals.ts';

/** Items that tell when they expire, on a clock that is set by hand. */
function scene(spanMs: () => number) {
  const expired = new Arrivals<string>();
  const looks = new Arrivals<number>();
  const clock = { time: 0, now: () => (looks.add(clock.time), clock.time) };
  const deadlines = new Deadlines(clock, spanMs);
  const item = (name: string): Expiring => ({ before: null, after: null, expiresAt: 0, expire: () => expired.add(name) });
  return { deadlines, clock, expired, looks, item };
}

test('what is added expires in its order, once its span is over and not before', async () => {
  const { deadlines, clock, expired, looks, item } = scene(() => 2);
  for (const name of ['a', 'b', 'c']) deadlines.add(item(name));
  await looks.atLeast(5); // the machine's timer has rung twice, by this clock too early
  assert.deepEqual(expired.all, []);
  clock.time = 2;
  assert.deepEqual(await expired.atLeast(3), ['a', 'b', 'c']);
});

test('what is removed does not expire, wherever it stood; to remove it again, or what was never added, changes nothing', async () => {
  const { deadlines, clock, expired, item } = scene(() => 1);
  const items = ['a', 'b', 'c', 'd', 'e'].map(item);
  for (const one of items) deadlines.add(one);
  for (const at of [0, 2, 4, 2, 0]) deadlines.remove(items[at] as Expiring);
  deadlines.remove(item('never added'));
  clock.time = 1;
  assert.deepEqual(await expired.atLeast(2), ['b', 'd']);
  deadlines.remove(items[1] as Expiring); // it has expired
  deadlines.add(items[0] as Expiring);
  clock.time = 2;
  assert.deepEqual(await expired.atLeast(3), ['b', 'd', 'a']);
});

test('a span that has grown counts for what is added from then on', async () => {
  let spanMs = 1;
  const { deadlines, clock, expired, looks, item } = scene(() => spanMs);
  deadlines.add(item('short'));
  spanMs = 5;
  deadlines.add(item('long'));
  clock.time = 1;
  assert.deepEqual(await expired.atLeast(1), ['short']);
  const seen = looks.all.length;
  await looks.atLeast(seen + 1);
  assert.deepEqual(expired.all, ['short']);
  clock.time = 5;
  assert.deepEqual(await expired.atLeast(2), ['short', 'long']);
});

test('all can be ended at once; what its end adds is ended, too', () => {
  const { deadlines, item } = scene(() => 1_000);
  const ended: Expiring[] = [];
  const [first, second, more] = ['first', 'second', 'more'].map(item) as [Expiring, Expiring, Expiring];
  deadlines.add(first);
  deadlines.add(second);
  deadlines.endAll((one) => {
    ended.push(one);
    if (one === first) deadlines.add(more);
  });
  assert.deepEqual(ended, [first, second, more]);
});
