import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startApp } from '../support/app.ts';
import { startBackend } from '../support/backend.ts';
import { refusal } from '../support/client.ts';
import { Chatter, keepTalking, letIn } from '../support/chatter.ts';
import { startGateway } from '../support/gateway.ts';
import { bodyOf, enter, freshPath, isEvent, isOpenOf, ok, openOf } from '../support/guests.ts';
import { startLeanBackend } from '../support/lean-backend.ts';
import { closeFrame, openRaw, upgradeRequest } from '../support/raw-socket.ts';
import { Stopwatch } from '../support/machine.ts';
import type { StormReport } from '../support/storm.ts';

const STORM = 10_000;
const ESTABLISHED = 20;
const EVERY_MS = 200;
const ALL_IN_MS = 30_000;
const LONGEST_WAIT_MS = 1_000;

/** A crowd that can be made to come at once, again and again. */
function gather(t: TestContext, url: string, clients: number): { readonly strike: () => Promise<StormReport> } {
  const crowd = fork(fileURLToPath(new URL('../support/storm.ts', import.meta.url)), [url, String(clients)]);
  t.after(() => crowd.kill('SIGKILL'));
  return {
    async strike() {
      crowd.send('at once');
      const [report] = (await once(crowd, 'message')) as [StormReport];
      return report;
    },
  };
}

test('10,000 clients reconnect at once: all come in, no message of an established client waits for over 1 s, no error but 503', async (t) => {
  const saidAt = new Map<string, number>();
  let clock = { read: () => 0 };
  let longestMs = 0;
  let heard = 0;
  const counts: Record<string, number> = {};
  const backend = await startLeanBackend(t, ({ event, body }) => {
    counts[event] = (counts[event] ?? 0) + 1;
    const at = saidAt.get(body);
    if (at === undefined) return;
    longestMs = Math.max(longestMs, clock.read() - at);
    saidAt.delete(body);
    heard += 1;
  });
  const gateway = await startGateway(t, { API_URI: backend.url });
  clock = new Stopwatch([gateway.pid]);
  const established = await letIn(ESTABLISHED, (index) => new Chatter(t, gateway.wsUrl, { name: `here-${index}` }));
  const storm = gather(t, gateway.wsUrl, STORM);
  const talkers = established.map((chatter) => ({
    say: () => {
      saidAt.set(`${chatter.name}/${chatter.said + 1}`, clock.read());
      chatter.say();
    },
  }));
  keepTalking(t, talkers, EVERY_MS);
  for (const which of ['they come', 'they come back'] as const) {
    const heardBefore = heard;
    const { tookMs, refused, faults } = await storm.strike();
    t.diagnostic(
      `${which}: all in after ${Math.round(tookMs)} ms, ${refused} asked to come later; ${heard - heardBefore} messages, longest wait ${Math.round(longestMs)} ms`,
    );
    assert.deepEqual(faults, []);
    assert.ok(tookMs <= ALL_IN_MS, `it took ${tookMs} ms`);
    assert.ok(heard > heardBefore, 'the established were heard meanwhile');
    for (const at of saidAt.values()) longestMs = Math.max(longestMs, clock.read() - at);
    assert.ok(longestMs <= LONGEST_WAIT_MS, `a message waited for ${longestMs} ms`);
  }
  assert.ok(established.every(({ isTalking }) => isTalking));
});

test('OPEN_QUEUE: those beyond it get 503 with Retry-After at once; those within come in', async (t) => {
  const gate = Promise.withResolvers<void>();
  const backend = await startBackend(t, async () => {
    await gate.promise;
    return ok();
  });
  const gateway = await startApp(t, { API_URI: backend.url, OPEN_CONCURRENCY: '2', OPEN_QUEUE: '3' });
  const all = Array.from({ length: 20 }, (_none, index) => new Chatter(t, gateway.wsUrl, { name: `c${index}` }));
  const statuses: number[] = [];
  const refusals = Promise.withResolvers<void>();
  const entries = all.map(async ({ entry }) => {
    const { status, retryAfter } = await entry;
    statuses.push(status);
    if (status === 503) assert.match(String(retryAfter), /^[1-9]\d*$/);
    if (statuses.length === 15) refusals.resolve();
  });
  await refusals.promise;
  assert.deepEqual(new Set(statuses), new Set([503]), 'who waits is not answered yet');
  await backend.calls.atLeast(2);
  assert.equal(backend.calls.all.length, 2, 'OPEN_CONCURRENCY calls run');
  gate.resolve();
  await Promise.all(entries);
  assert.deepEqual(statuses.slice(15), [101, 101, 101, 101, 101]);
  assert.equal(backend.calls.all.filter(isEvent('open')).length, 5, 'who was refused is not asked about');
  await enter(t, { backend, gateway });
});

test('OPEN_QUEUE_TIMEOUT_MS: who waited too long gets 503 with Retry-After, and the backend is not asked', async (t) => {
  const gate = Promise.withResolvers<void>();
  const backend = await startBackend(t, async () => {
    await gate.promise;
    return ok();
  });
  const gateway = await startApp(t, { API_URI: backend.url, OPEN_CONCURRENCY: '1', OPEN_QUEUE_TIMEOUT_MS: '100' });
  const first = new Chatter(t, gateway.wsUrl, { name: 'first' });
  await backend.calls.first(isEvent('open'));
  const late = refusal(t, `${gateway.wsUrl}/late`);
  const answered = late.then(() => 'answered');
  const nextTurn = new Promise((resolve) => setTimeout(() => resolve('waits'), 3_000).unref());
  assert.equal(await Promise.race([answered, nextTurn]), 'answered', 'also where no other call ends meanwhile');
  const { status, headers } = await late;
  assert.equal(status, 503);
  assert.match(String(headers['retry-after']), /^[1-9]\d*$/);
  gate.resolve();
  await first.in();
  assert.equal(backend.calls.all.filter(isEvent('open')).length, 1);
});

for (const [manner, leave] of [
  ['closes its socket', (socket: Socket) => socket.destroy()],
  ['resets its connection', (socket: Socket) => socket.resetAndDestroy()],
] as const) {
  test(`a client that ${manner} while it waits in line is dropped without a call; during its open call, it gets one close event`, async (t) => {
    const gates = new Map<string, PromiseWithResolvers<void>>();
    const gateOf = (path: string) => {
      const gate = gates.get(path) ?? Promise.withResolvers<void>();
      gates.set(path, gate);
      return gate;
    };
    const backend = await startBackend(t, async (call) => {
      if (isEvent('open')(call)) await gateOf(String(bodyOf(call)['path'])).promise;
      return ok();
    });
    const gateway = await startApp(t, { API_URI: backend.url, OPEN_CONCURRENCY: '1' });
    const scene = { backend, gateway };
    const [asked, waiting, last] = [freshPath(), freshPath(), freshPath()];
    gateOf(last).resolve();
    const open = async (path: string) => {
      const raw = await openRaw(t, gateway.wsUrl);
      raw.write(upgradeRequest({ path }));
      return raw;
    };
    const inCall = await open(asked);
    const call = await openOf(scene, asked);
    const inLine = await open(waiting);
    const behind = await open(last);
    await fetch(`${gateway.controlUrl}/livez`); // by now the gateway has read what was sent before
    leave(inLine.socket);
    leave(inCall.socket);
    await fetch(`${gateway.controlUrl}/livez`);
    gateOf(asked).resolve();
    assert.equal((await behind.answer).status, 101);
    const closed = await backend.calls.first(isEvent('close', String(call.headers['ws-connection'])));
    assert.equal(closed.headers['ws-close-code'], '1006');
    behind.write(closeFrame(1000));
    await backend.calls.first(isEvent('close', String((await openOf(scene, last)).headers['ws-connection'])));
    assert.equal(backend.calls.all.filter(isOpenOf(waiting)).length, 0);
    assert.equal(backend.calls.all.filter(isEvent('close')).length, 2);
  });
}
