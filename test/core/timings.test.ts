import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timings } from '../../src/core/timings.ts';
import { histogram } from '../../src/edge/metrics/family.ts';

test('durations fall into cumulative buckets in seconds, a bound belongs to its own', () => {
  const timings = new Timings();
  for (const ms of [0, 1, 1.5, 30_000, 30_001]) timings.took('message', '2xx', ms);
  timings.took('message', 'timeout', 29_000);
  const { values } = histogram({ name: 'x_seconds', help: '' }, timings, ['event', 'status']);
  const of = (metricName: string, le?: string) =>
    values.find((one) => one.metricName === metricName && one.labels['status'] === '2xx' && one.labels['le'] === le)?.value;
  assert.deepEqual(
    ['0.001', '0.0025', '10', '30', '+Inf'].map((le) => of('x_seconds_bucket', le)),
    [2, 3, 3, 4, 5],
  );
  assert.deepEqual([of('x_seconds_count'), of('x_seconds_sum')], [5, 60.0035]);
  assert.equal(values.filter(({ metricName }) => metricName === 'x_seconds_count').length, 2);
});
