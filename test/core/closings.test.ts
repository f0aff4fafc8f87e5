import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Closings } from '../../src/core/closings.ts';
import type { CloseEvent } from '../../src/core/events.ts';
import { Meter } from '../../src/core/meter.ts';
import { createNoLedger } from '../../src/engines/local/no-ledger.ts';
import { endOfTurn, ManualClock } from '../contracts/manual-clock.ts';
import { sampleConnection, sampleLimits, sampleRoute, SILENT_LOG } from '../contracts/samples.ts';
import { ANSWER_204, ScriptedTransport, UNREACHABLE } from '../contracts/scripted-transport.ts';

const CLOSE_RETRY_FOR_MS = 60_000;

function scene({ concurrency = 2, backlog = 1_000 } = {}) {
  const clock = new ManualClock();
  const meter = new Meter();
  const backend = new ScriptedTransport();
  const forgotten: string[] = [];
  const ledger = { ...createNoLedger(), forget: (key: string) => void forgotten.push(key) };
  const closings = new Closings({ clock, ledger, observer: meter, log: SILENT_LOG, concurrency, backlog });
  const route = sampleRoute({ transport: backend, clock, limits: sampleLimits({ closeRetryForMs: CLOSE_RETRY_FOR_MS }) });
  const tell = (id: string, to = route): void => {
    const event: CloseEvent = {
      type: 'close',
      party: sampleConnection({ id, route }).party,
      seq: 1,
      code: 1000,
      reason: '',
      isOrphan: false,
    };
    closings.tell(to, event, null);
  };
  const told = (): string[] => backend.all.map(({ headers }) => headers[headers.indexOf('ws-connection') + 1] ?? '');
  return { clock, meter, backend, forgotten, closings, tell, told };
}

test('so many close events are on their way at once; the others follow in order', () => {
  const { backend, tell, told, closings, forgotten } = scene();
  for (const id of ['a', 'b', 'c', 'd']) tell(id);
  assert.deepEqual(told(), ['a', 'b']);
  backend.settle(ANSWER_204);
  assert.deepEqual(told(), ['a', 'b', 'c']);
  while (backend.held.length > 0) backend.settle(ANSWER_204);
  assert.deepEqual(told(), ['a', 'b', 'c', 'd']);
  assert.deepEqual([closings.pending, forgotten], [0, ['a', 'b', 'c', 'd']]);
});

test('one that is not acknowledged is told again, the same, and lets others pass meanwhile', async () => {
  const { clock, backend, tell, told, meter, forgotten } = scene({ concurrency: 1 });
  tell('a');
  tell('b');
  backend.settle({ ...ANSWER_204, status: 500 });
  assert.deepEqual(told(), ['a', 'b']);
  backend.settle(ANSWER_204);
  await clock.pass(200);
  assert.deepEqual(told(), ['a', 'b', 'a']);
  assert.deepEqual(backend.all[2], backend.all[0]);
  backend.settle(ANSWER_204);
  assert.deepEqual([meter.closesDelivered, forgotten], [2, ['b', 'a']]);
});

test('404 and 410 acknowledge: the backend knows no such connection', () => {
  const { backend, tell, closings } = scene();
  tell('a');
  tell('b');
  backend.settle({ ...ANSWER_204, status: 404 });
  backend.settle({ ...ANSWER_204, status: 410 });
  assert.equal(closings.pending, 0);
});

test('Retry-After is honoured', async () => {
  const { clock, backend, tell } = scene();
  tell('a');
  backend.settle({ ...ANSWER_204, status: 503, headers: { 'retry-after': '30' } });
  await clock.pass(29_999);
  assert.equal(backend.held.length, 0);
  await clock.pass(1);
  assert.equal(backend.held.length, 1);
});

test('it is given up when its time is over, counted as lost, and idle comes', async () => {
  const { clock, backend, tell, meter, closings, forgotten } = scene();
  tell('a');
  let isIdle = false;
  void closings.idle().then(() => (isIdle = true));
  const startedAt = clock.now();
  while (closings.pending > 0) {
    if (backend.held.length > 0) backend.settle(UNREACHABLE);
    else await clock.pass(100);
    assert.ok(clock.now() - startedAt <= CLOSE_RETRY_FOR_MS, 'it goes on for too long');
  }
  await endOfTurn();
  assert.ok(clock.now() - startedAt > CLOSE_RETRY_FOR_MS - 5_100, 'it ends too early');
  assert.deepEqual([meter.closesLost, meter.closesDelivered, isIdle, forgotten], [1, 0, true, ['a']]);
});

test('over the backlog an event stays in the ledger and is counted as lost', () => {
  const { tell, told, meter, closings, forgotten } = scene({ concurrency: 1, backlog: 2 });
  for (const id of ['a', 'b', 'c', 'd']) tell(id);
  assert.deepEqual([told(), closings.pending, meter.closesLost, forgotten], [['a'], 3, 1, []]);
});

test('a dead backend does not hold up the events of another', () => {
  const { tell, told } = scene({ concurrency: 1 });
  const other = new ScriptedTransport();
  tell('a');
  tell('b');
  tell('c', sampleRoute({ transport: other, backendName: 'http://other.test' }));
  assert.deepEqual([told(), other.all.length], [['a'], 1]);
});

test('idle is at once where nothing is pending, else after the last', async () => {
  const { backend, tell, closings } = scene();
  await closings.idle();
  tell('a');
  let isIdle = false;
  const idle = closings.idle().then(() => (isIdle = true));
  await endOfTurn();
  assert.equal(isIdle, false);
  backend.settle(ANSWER_204);
  await idle;
});

test('stop retries no more and leaves no timer', async () => {
  const { clock, backend, tell, told, closings } = scene({ concurrency: 1 });
  tell('a');
  tell('b');
  backend.settle(UNREACHABLE);
  closings.stop();
  backend.settle(UNREACHABLE);
  await clock.pass(CLOSE_RETRY_FOR_MS);
  assert.deepEqual([told(), clock.pending], [['a', 'b'], 0]);
});

test('what ends after stop is not told, of a backend that nothing was told to before either', async () => {
  const { clock, backend, closings, tell, forgotten } = scene();
  closings.stop();
  tell('late');
  await endOfTurn();
  assert.deepEqual([backend.all.length, closings.pending, clock.pending, forgotten], [0, 0, 0, []]);
});
