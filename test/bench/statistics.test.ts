import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grows, median, percentile, spread } from '../../bench/statistics.ts';

test('the median is the middle value, or the mean of the two in the middle', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([10, 2, 4, 100]), 7);
  assert.equal(median([3]), 3);
  assert.ok(Number.isNaN(median([])));
});

test('a spread leaves its values as they were', () => {
  const values = [3, 1, 2];
  assert.deepEqual(spread(values), { median: 2, min: 1, max: 3 });
  assert.deepEqual(values, [3, 1, 2]);
});

test('a percentile is the nearest rank', () => {
  const sorted = Float64Array.from({ length: 200 }, (_, index) => index + 1);
  assert.equal(percentile(sorted, 50), 100);
  assert.equal(percentile(sorted, 99), 198);
  assert.equal(percentile(Float64Array.of(7), 99), 7);
});

test('figures grow when their last third lies above the first by more than the slack', () => {
  assert.equal(grows([10, 11, 10, 12, 10, 11], 2), false);
  assert.equal(grows([10, 11, 12, 13, 14, 15], 2), true);
  assert.equal(grows([10, 10, 90, 90, 10, 10], 2), false, 'a peak in the middle is no growth');
  assert.equal(grows([10, 99], 2), false, 'too few to judge');
});
