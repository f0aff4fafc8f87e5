import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '../../src/core/connection.ts';
import { Expiries } from '../../src/core/expiries.ts';
import { ManualClock } from '../contracts/manual-clock.ts';

type Closed = { readonly name: string; readonly code: number; readonly at: number };

function scene() {
  const clock = new ManualClock();
  const expiries = new Expiries(clock);
  const closed: Closed[] = [];
  const connection = (name: string) => {
    const one = { state: 'open', close: (code: number) => void (closed.push({ name, code, at: clock.now() }), (one.state = 'closing')) };
    return one as unknown as Connection & { state: string };
  };
  return { clock, expiries, closed, connection };
}

test('each is closed with 4401 within a second of its time, by one timer for all of them', async () => {
  const { clock, expiries, closed, connection } = scene();
  const start = clock.now();
  for (let index = 0; index < 1_000; index += 1) expiries.add(connection(String(index)), start + 5_000 + index * 10);
  assert.equal(clock.pending, 1);
  await clock.pass(5_000);
  await clock.pass(10_500);
  assert.equal(closed.length, 1_000);
  for (const { name, code, at } of closed) {
    assert.equal(code, 4401);
    const lateMs = at - (start + 5_000 + Number(name) * 10);
    assert.ok(lateMs >= 0 && lateMs <= 1_000, `${lateMs} ms late`);
  }
  assert.deepEqual([expiries.size, clock.pending], [0, 0], 'nothing is left of them, and no timer');
});

test('those that have ended are forgotten within a second, however long their tokens would have lasted', async () => {
  const { clock, expiries, closed, connection } = scene();
  const one = connection('one');
  expiries.add(one, clock.now() + 86_400_000);
  one.state = 'closed';
  await clock.pass(1_000);
  assert.deepEqual([expiries.size, clock.pending, closed], [0, 0, []]);
});

test('it is the date that counts: after a sleep of the machine everything that is over is closed at once', async () => {
  const { clock, expiries, closed, connection } = scene();
  expiries.add(connection('over'), clock.now() + 60_000);
  expiries.add(connection('later'), clock.now() + 86_400_000);
  await clock.leap(3_600_000);
  assert.deepEqual(
    closed.map(({ name }) => name),
    ['over'],
  );
  assert.equal(expiries.size, 1);
});
