import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Part } from '../../../src/core/commands.ts';
import { part } from '../../../src/core/selections.ts';
import type { Figures } from '../../../src/core/sightings.ts';
import { pageOf } from '../../../src/edge/console/found.ts';
import { RateKeeper } from '../../../src/edge/console/rates.ts';
import { quantile, since, Spans } from '../../../src/edge/console/spans.ts';
import { Ring } from '../../../src/edge/console/ring.ts';
import { sampleGateway } from '../../contracts/samples.ts';

const QUIET: Figures = {
  connections: 10,
  closesPending: 0,
  isDraining: false,
  messagesReceived: 0,
  pushesSent: 0,
  bytesReceived: 0,
  bytesSent: 0,
  spans: new Spans().counts,
  loopDelayMs: 1,
  memoryBytes: 100,
  uptimeSeconds: 1,
};

function partOf(owner: string, figures: Partial<Figures>): Part {
  const seen = { sightings: [], missed: 0, figures: { ...QUIET, ...figures }, problem: null };
  return { ...part(sampleGateway(), {}), node: 'n', owner, seen };
}

test('rates are of each process since it was last looked at; one that is new, or was started again, makes no leap', () => {
  const keeper = new RateKeeper();
  const first = keeper.rates([partOf('a', { messagesReceived: 1_000_000 }), partOf('b', {})], 0);
  assert.deepEqual([first.total.connections, first.total.messagesPerSecond, first.total.backendMs], [20, 0, null]);
  const spans = new Spans();
  for (let ms = 1; ms <= 100; ms += 1) spans.took(ms);
  const second = keeper.rates(
    [
      partOf('a', { messagesReceived: 1_000_500, bytesSent: 10, spans: spans.counts, loopDelayMs: 9 }),
      partOf('c', { messagesReceived: 7 }),
    ],
    2_000,
  );
  const { total, processes } = second;
  assert.deepEqual([total.messagesPerSecond, total.bytesOutPerSecond, total.loopDelayMs], [250, 5, 9]);
  assert.deepEqual(
    processes.map(({ process, messagesPerSecond }) => [process, messagesPerSecond]),
    [
      ['a', 250],
      ['c', 0],
    ],
  );
  const { p50 = 0, p99 = 0 } = total.backendMs ?? {};
  assert.ok(p50 >= 50 && p50 <= 70 && p99 >= 99 && p99 <= 139, JSON.stringify(total.backendMs));
  assert.equal(keeper.rates([partOf('a', { messagesReceived: 5 })], 3_000).total.messagesPerSecond, 0, 'a counter that fell');
});

test('spans tell quantiles to within two fifths, from a quarter of a millisecond to days', () => {
  for (const ms of [0, 0.25, 0.3, 1, 17, 900, 29_000]) {
    const spans = new Spans();
    spans.took(ms);
    const told = quantile(spans.counts, 0.5) ?? 0;
    assert.ok(told >= Math.min(ms, 0.25) && told <= Math.max(0.25, ms * 1.41), `${ms} became ${told}`);
  }
  const spans = new Spans();
  spans.took(864e5 * 365);
  assert.ok((quantile(spans.counts, 1) ?? 0) > 60_000);
  assert.equal(quantile(new Spans().counts, 0.5), null);
  assert.deepEqual(since([3, 2], [1, 2]), [2, 0]);
});

test('a ring keeps the last, also when it has gone round many times', () => {
  const ring = new Ring<number>(4);
  for (let n = 0; n < 11; n += 1) ring.add(n);
  assert.deepEqual(ring.last(9), [10, 9, 8, 7]);
  assert.deepEqual(
    ring.last(1, (n) => n % 2 === 1),
    [9],
  );
  const none = new Ring<number>(0);
  none.add(1);
  assert.deepEqual(none.last(5), []);
});

function found(owner: string, serials: number[], reached: number | null): Part {
  const list = serials.map((serial) => ({ serial, id: `${owner}${serial}` })) as unknown as Part['list'];
  return { ...part(sampleGateway(), {}), owner, list, reached };
}

function idsOf(page: ReturnType<typeof pageOf>): string[] {
  return page.rows.map(({ id }) => id);
}

test('pages of several processes: who has more left keeps those behind it waiting', () => {
  const all = { parts: [found('b', [1], null), found('a', [4, 9], null)], unreachable: [] };
  assert.deepEqual([idsOf(pageOf(all, 10)), pageOf(all, 10).next], [['a4', 'a9', 'b1'], null]);
  assert.deepEqual([idsOf(pageOf(all, 2)), pageOf(all, 2).next], [['a4', 'a9'], 'a.9']);
  const more = { parts: [found('b', [1], null), found('a', [4], 10_000)], unreachable: [] };
  assert.deepEqual([idsOf(pageOf(more, 10)), pageOf(more, 10).next], [['a4'], 'a.10000']);
});
