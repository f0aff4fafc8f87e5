import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { withBreaker } from '../../../src/backends/http/breaker.ts';
import type { BackendResult, CallKind } from '../../../src/wire/calls.ts';
import { endOfTurn, ManualClock } from '../../contracts/manual-clock.ts';
import { SILENT_LOG, sampleCall } from '../../contracts/samples.ts';
import { ANSWER_204, ScriptedTransport, UNREACHABLE } from '../../contracts/scripted-transport.ts';

const FAILURES_TO_OPEN = 5;
const TRIED_PROBES = 3;

function scene() {
  const clock = new ManualClock();
  const inner = new ScriptedTransport();
  const breaker = withBreaker(inner, { clock, log: SILENT_LOG, name: 'http://backend.test' });
  const results: { readonly path: string; readonly result: BackendResult; readonly at: number }[] = [];
  const ask = (path: string, waitMs = 60_000, kind: CallKind = 'message'): void => {
    let count = 0;
    const receiver = {
      settled(result: BackendResult) {
        count += 1;
        assert.equal(count, 1, `${path} has a second result`);
        results.push({ path, result, at: clock.now() });
      },
    };
    breaker.call(sampleCall({ path, kind, headers: ['ws-event-id', path] }), receiver, clock.now() + waitMs);
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

test('a dead backend is asked at most 50 times a second, those first that were never tried', async () => {
  const { clock, inner, ask, goDown } = scene();
  await goDown();
  for (let count = 0; count < 100; count += 1) ask(`/down-${count % FAILURES_TO_OPEN}`);
  for (let count = 0; count < 200; count += 1) ask(`/${count}`);
  assert.equal(inner.held.length, 0);
  for (let round = 0; round < 200; round += 1) {
    await clock.pass(20);
    inner.settleAll(UNREACHABLE);
  }
  assert.ok(inner.all.length >= 190 && inner.all.length <= 201, `${inner.all.length} calls in 4 s`);
  assert.ok(inner.all.slice(0, 190).every(({ path }, index) => path === `/${index}`));
});

test('what has failed before probes by itself with longer and longer pauses', async () => {
  const { clock, inner, ask, goDown } = scene();
  await goDown();
  for (let count = 0; count < 500; count += 1) ask(`/down-${count % FAILURES_TO_OPEN}`);
  for (let round = 0; round < 500; round += 1) {
    await clock.pass(20);
    assert.ok(inner.held.length <= TRIED_PROBES);
    inner.settleAll(UNREACHABLE);
  }
  assert.ok(inner.all.length >= 20 && inner.all.length <= 50, `${inner.all.length} calls in 10 s`);
});

test('poisoned messages delay nobody: whoever was never tried goes out within 20 ms, and its success serves all', async () => {
  const { clock, inner, ask, goDown } = scene();
  await goDown();
  for (let count = 0; count < FAILURES_TO_OPEN; count += 1) ask(`/down-${count}`);
  for (let round = 0; round < 50; round += 1) {
    ask(`/healthy-${round}`);
    await clock.pass(20);
    const healthy = inner.held.find(({ call }) => call.path === `/healthy-${round}`);
    assert.ok(healthy !== undefined, `healthy ${round} waits`);
    for (const held of inner.held.splice(0)) {
      const isHealthy = held.call.path.startsWith('/healthy');
      held.receiver.settled(isHealthy ? ANSWER_204 : { ...ANSWER_204, status: 503 });
      if (!isHealthy) ask(held.call.path);
    }
  }
});

test('what fails for closes only holds up no message and no new client', async () => {
  const { inner, ask } = scene();
  for (let count = 0; count < 50; count += 1) ask(`/close-${count}`, 60_000, 'close');
  inner.settleAll({ ...ANSWER_204, status: 503 });
  await endOfTurn();
  ask('/message');
  ask('/open', 10_000, 'open');
  assert.deepEqual(
    inner.held.map(({ call }) => call.path),
    ['/message', '/open'],
  );
});

test('on return the calls at once grow by one per success, to 64 at most in the first 100 ms', async () => {
  const { clock, inner, ask, goDown } = scene();
  await goDown();
  for (let count = 0; count < 2_000; count += 1) ask(`/${count}`);
  await clock.pass(20);
  assert.equal(inner.held.length, 1);
  const atOnce: number[] = [];
  for (let success = 0; success < 200; success += 1) {
    inner.settle(ANSWER_204);
    atOnce.push(inner.held.length);
  }
  for (let index = 1; index < atOnce.length; index += 1) assert.ok((atOnce[index] ?? 0) - (atOnce[index - 1] ?? 0) <= 1, atOnce.join(' '));
  assert.equal(Math.max(...atOnce), 64);
  await clock.pass(101);
  for (let count = 0; count < 3_000 && inner.held.length > 0; count += 1) inner.settle(ANSWER_204);
  assert.equal(inner.all.length, 2_000);
  for (let count = 0; count < 300; count += 1) ask('/after');
  assert.equal(inner.held.length, 300, 'it is up again, nothing waits');
});

test('a relapse while the flow ramps up stops it again', async () => {
  const { clock, inner, ask, goDown } = scene();
  await goDown();
  for (let count = 0; count < 100; count += 1) ask(`/${count}`);
  await clock.pass(20);
  for (let success = 0; success < 5; success += 1) inner.settle(ANSWER_204);
  assert.ok(inner.held.length > 3);
  inner.settleAll(UNREACHABLE);
  assert.equal(inner.held.length, 0);
  await clock.pass(100);
  assert.ok(inner.held.length <= 5, `${inner.held.length} within 100 ms`);
});

test('a new client is a probe, or is refused within a second, unsent; of many, most at once', async () => {
  const { clock, inner, ask, results } = scene();
  for (let count = 0; count < FAILURES_TO_OPEN; count += 1) ask(`/down-${count}`, 10_000, 'open');
  inner.settleAll(UNREACHABLE);
  await endOfTurn();
  results.length = 0;
  for (let count = 0; count < 100; count += 1) ask(`/${count}`, 10_000, 'open');
  await endOfTurn();
  assert.ok(results.length >= 90, `${results.length} were refused at once`);
  await clock.pass(1_000); // the probes hang
  assert.ok(inner.held.length <= 3 && inner.held.length > 0);
  assert.equal(results.length, 100 - inner.held.length);
  assert.ok(results.every(({ result }) => result.type === 'failure' && !result.wasSent && result.reason === 'unreachable'));
});

test('each that waits expires in its own time, unsent, also while the probes hang', async () => {
  const { clock, inner, ask, results, goDown } = scene();
  await goDown();
  const start = clock.now();
  for (let count = 0; count < 64; count += 1) ask(`/hangs-${count}`);
  await clock.pass(64 * 20);
  assert.equal(inner.held.length, 64);
  for (const waitMs of [2_000, 3_000, 20_000]) ask(`/${waitMs}`, waitMs);
  await clock.pass(25_000);
  for (const { path, result, at } of results) {
    assert.ok(result.type === 'failure' && !result.wasSent, path);
    const waited = at - start - 64 * 20;
    assert.ok(waited >= Number(path.slice(1)) && waited <= Number(path.slice(1)) + 300, `${path} was told after ${waited} ms`);
  }
  assert.equal(results.length, 3);
});

test('after a hanging backend is back, all that waited is served', async () => {
  const { clock, inner, ask, results, goDown } = scene();
  await goDown();
  for (let count = 0; count < 140; count += 1) ask(`/${count}`);
  await clock.pass(5_000);
  const hung = inner.held.length;
  inner.settleAll({ type: 'failure', reason: 'timeout', wasSent: true, detail: 'scripted' });
  await clock.pass(2_000);
  for (let count = 0; count < 200 && inner.held.length > 0; count += 1) inner.settle(ANSWER_204);
  assert.equal(results.length, 140);
  assert.equal(results.filter(({ result }) => result.type === 'answer').length, 140 - hung);
});

test('close tells everybody that waits, closes what it wraps, and leaves no timer', async (t: TestContext) => {
  const { clock, inner, breaker, ask, results, goDown } = scene();
  await goDown();
  for (let count = 0; count < 20; count += 1) ask(`/${count}`);
  await clock.pass(100);
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
