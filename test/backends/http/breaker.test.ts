import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { withBreaker } from '../../../src/backends/http/breaker.ts';
import type { BackendResult } from '../../../src/wire/calls.ts';
import { endOfTurn, ManualClock } from '../../contracts/manual-clock.ts';
import { SILENT_LOG, sampleCall } from '../../contracts/samples.ts';
import { ANSWER_204, ScriptedTransport, UNREACHABLE } from '../../contracts/scripted-transport.ts';

const FAILURES_TO_OPEN = 5;
const PROBES = 3;

function scene() {
  const clock = new ManualClock();
  const inner = new ScriptedTransport();
  const breaker = withBreaker(inner, { clock, log: SILENT_LOG, name: 'http://backend.test' });
  const results: { readonly path: string; readonly result: BackendResult; readonly at: number }[] = [];
  const ask = (path: string, waitMs = 60_000): void => {
    let count = 0;
    const receiver = {
      settled(result: BackendResult) {
        count += 1;
        assert.equal(count, 1, `${path} has a second result`);
        results.push({ path, result, at: clock.now() });
      },
    };
    breaker.call(sampleCall({ path }), receiver, clock.now() + waitMs);
  };
  const goDown = async (): Promise<void> => {
    for (let count = 0; count < FAILURES_TO_OPEN; count += 1) ask(`/down-${count}`);
    inner.settleAll(UNREACHABLE);
    await endOfTurn();
    results.length = 0;
    inner.all.length = 0;
  };
  return { clock, inner, breaker, results, ask, goDown };
}

test('a good backend gets every call at once', () => {
  const { inner, ask, results } = scene();
  for (let count = 0; count < 1_000; count += 1) ask(`/${count}`);
  assert.equal(inner.held.length, 1_000);
  inner.settleAll(ANSWER_204);
  assert.equal(results.length, 1_000);
});

test('a failure now and then does not count, nor do answers that complain', () => {
  const { inner, ask } = scene();
  for (let count = 0; count < 100; count += 1) {
    ask('/x');
    inner.settle(count % FAILURES_TO_OPEN === 0 ? { ...ANSWER_204, status: 500 } : UNREACHABLE);
  }
  ask('/next');
  assert.equal(inner.held.length, 1);
});

test('503 in a row counts as down, as does every failure but a too long answer', async () => {
  for (const [result, isDown] of [
    [{ ...ANSWER_204, status: 503 }, true],
    [{ type: 'failure', reason: 'timeout', wasSent: true, detail: '' }, true],
    [{ type: 'failure', reason: 'too-long', wasSent: true, detail: '' }, false],
  ] as const) {
    const { inner, ask } = scene();
    for (let count = 0; count < FAILURES_TO_OPEN; count += 1) ask('/x');
    inner.settleAll(result);
    ask('/next');
    assert.equal(inner.held.length, isDown ? 0 : 1, JSON.stringify(result));
  }
});

test('a dead backend is asked by a few probes, at most every second in the end; all others wait', async () => {
  const { clock, inner, ask, goDown } = scene();
  await goDown();
  for (let count = 0; count < 500; count += 1) ask(`/${count}`);
  assert.equal(inner.held.length, 0);
  for (let round = 0; round < 40; round += 1) {
    await clock.pass(250);
    assert.ok(inner.held.length <= PROBES, `${inner.held.length} probes at once`);
    inner.settleAll(UNREACHABLE);
  }
  assert.ok(inner.all.length >= 8 * PROBES && inner.all.length <= 16 * PROBES, `${inner.all.length} calls in 10 s`);
});

test('those that wait go out in the order of their asking', async () => {
  const { clock, inner, ask, goDown } = scene();
  await goDown();
  for (let count = 0; count < 50; count += 1) ask(`/${count}`);
  for (let round = 0; round < 100 && inner.all.length < 50; round += 1) {
    await clock.pass(100);
    inner.settleAll(ANSWER_204);
  }
  assert.deepEqual(
    inner.all.map(({ path }) => path),
    Array.from({ length: 50 }, (_, index) => `/${index}`),
  );
});

test('on return the flow doubles with each success instead of stampeding', async () => {
  const { clock, inner, ask, goDown } = scene();
  await goDown();
  for (let count = 0; count < 500; count += 1) ask(`/${count}`);
  await clock.pass(100);
  const atOnce = [inner.held.length];
  for (let success = 0; success < 5; success += 1) {
    inner.settle(ANSWER_204);
    atOnce.push(inner.held.length);
  }
  assert.deepEqual(atOnce, [PROBES, 6, 12, 24, 48, 96]);
  for (let count = 0; count < 1_000 && inner.held.length > 0; count += 1) inner.settle(ANSWER_204);
  assert.equal(inner.all.length, 500);
  for (let count = 0; count < 300; count += 1) ask('/after');
  assert.equal(inner.held.length, 300, 'it is up again, nothing waits');
});

test('a relapse while the flow ramps up stops it again', async () => {
  const { clock, inner, ask, goDown } = scene();
  await goDown();
  for (let count = 0; count < 100; count += 1) ask(`/${count}`);
  await clock.pass(100);
  inner.settle(ANSWER_204);
  const flowing = inner.held.length;
  inner.settleAll(UNREACHABLE);
  assert.deepEqual([flowing, inner.held.length], [6, 0]);
  await clock.pass(2_000);
  assert.equal(inner.held.length, PROBES);
});

test('each that waits expires in its own time, unsent', async () => {
  const { clock, inner, ask, results, goDown } = scene();
  await goDown();
  const start = clock.now();
  for (let count = 0; count < PROBES; count += 1) ask('/probe');
  for (const waitMs of [700, 3_000, 20_000]) ask(`/${waitMs}`, waitMs);
  for (let round = 0; round < 250; round += 1) {
    await clock.pass(100);
    for (const held of inner.held.splice(0)) {
      held.receiver.settled(UNREACHABLE);
      if (held.call.path === '/probe') ask('/probe'); // keeps every probe busy
    }
  }
  const expired = results.filter(({ path }) => path !== '/probe');
  for (const { path, result, at } of expired) {
    assert.ok(result.type === 'failure' && !result.wasSent, path);
    const waited = at - start;
    assert.ok(waited <= Number(path.slice(1)) + 1_000, `${path} was told after ${waited} ms`);
  }
  assert.equal(expired.length, 3);
});

test('while the probes hang, those that wait still expire in their time', async () => {
  const { clock, inner, ask, results, goDown } = scene();
  await goDown();
  for (let count = 0; count < PROBES; count += 1) ask('/probe');
  ask('/waits', 2_000);
  await clock.pass(3_100);
  assert.equal(inner.held.length, PROBES);
  assert.deepEqual(
    results.map(({ path }) => path),
    ['/waits'],
  );
});

test('who comes when the probes hang already expires in its time, too', async () => {
  const { clock, inner, ask, results, goDown } = scene();
  await goDown();
  await clock.pass(200); // the pause is over, nobody waits
  for (let count = 0; count < PROBES; count += 1) ask('/probe');
  ask('/late', 2_000);
  await clock.pass(3_100);
  assert.equal(inner.held.length, PROBES);
  assert.deepEqual(
    results.map(({ path }) => path),
    ['/late'],
  );
});

test('after a hanging backend is back, all that waited is served', async () => {
  const { clock, inner, ask, results, goDown } = scene();
  await goDown();
  for (let count = 0; count < 40; count += 1) ask(`/${count}`);
  await clock.pass(5_000);
  inner.settleAll({ type: 'failure', reason: 'timeout', wasSent: true, detail: 'scripted' });
  await clock.pass(2_000);
  for (let count = 0; count < 100 && inner.held.length > 0; count += 1) inner.settle(ANSWER_204);
  assert.equal(results.length, 40);
  assert.equal(results.filter(({ result }) => result.type === 'answer').length, 40 - PROBES);
});

test('close tells everybody that waits, closes what it wraps, and leaves no timer', async (t: TestContext) => {
  const { clock, inner, breaker, ask, results, goDown } = scene();
  await goDown();
  for (let count = 0; count < 20; count += 1) ask(`/${count}`);
  await clock.pass(100);
  assert.equal(inner.held.length, PROBES);
  await breaker.close();
  await endOfTurn();
  assert.equal(results.length, 20);
  assert.ok(results.every(({ result }) => result.type === 'failure' && result.reason === 'stopped'));
  assert.deepEqual([inner.closes, clock.pending], [1, 0]);
  await breaker.close();
  ask('/too-late');
  assert.equal(inner.held.length, 1, 'what it wraps says what becomes of a call after close');
  t.diagnostic('nothing leaks');
});
