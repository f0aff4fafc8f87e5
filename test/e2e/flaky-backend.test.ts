import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import { startBackend, type Answer } from '../support/backend.ts';
import { Chatter, keepTalking, letIn } from '../support/chatter.ts';
import { Deliveries } from '../support/deliveries.ts';
import { startApp } from '../support/app.ts';
import { isEvent, ok } from '../support/guests.ts';

const CLIENTS = 50;
const MESSAGES = 6;
const EVERY_MS = 200;
/** Of the last test; long enough that a busy machine alone does not reach it. */
const BACKEND_TIMEOUT_MS = 500;
const PATIENCE_MS = 40_000;

type Fault = (response: ServerResponse) => Answer | Promise<Answer>;

/** Every message meets the fault no times, once or twice before it is taken: half of all calls do. */
async function talkThrough(t: TestContext, fault: Fault, env: Record<string, string> = {}): Promise<void> {
  const deliveries = new Deliveries({ mayOverlap: 'BACKEND_TIMEOUT_MS' in env });
  const failuresLeft = new Map<string, number>();
  let failed = 0;
  const backend = await startBackend(t, async (call, response) => {
    if (!isEvent('message')(call)) return ok();
    deliveries.hear(call);
    const left = failuresLeft.get(call.text) ?? failuresLeft.size % 3;
    failuresLeft.set(call.text, left - 1);
    if (left > 0) {
      failed += 1;
      return await fault(response);
    }
    deliveries.take(call);
    return ok();
  });
  const gateway = await startApp(t, { API_URI: backend.url, ...env });
  const clients = await letIn(CLIENTS, (index) => new Chatter(t, gateway.wsUrl, { name: `c${index}` }));
  let ended = 0;
  for (const client of clients) void client.ended.then(() => (ended += 1));
  const limited = clients.map((client) => ({ say: () => (client.said < MESSAGES ? client.say() : undefined) }));
  keepTalking(t, limited, EVERY_MS);
  const startedAt = Date.now();
  await deliveries.taken.atLeast(CLIENTS * MESSAGES, () => true, PATIENCE_MS);
  t.diagnostic(`${failed} failed calls, ${deliveries.repeats} repeats in ${Date.now() - startedAt} ms`);
  assert.equal(failed, CLIENTS * MESSAGES, 'as many calls failed as were taken');
  assert.ok(deliveries.repeats >= failed, 'each failed call was repeated');
  assert.deepEqual(deliveries.faults.slice(0, 5), []);
  assert.equal(deliveries.taken.all.length, CLIENTS * MESSAGES);
  assert.equal(ended, 0, 'nobody was closed');
  assert.equal(backend.calls.all.filter(isEvent('close')).length, 0);
}

suite(
  'a backend that fails half the time: every message arrives, in order, repeats have an equal event id, nobody is closed',
  { concurrency: true },
  () => {
    test('it answers 503', (t) => talkThrough(t, () => ({ status: 503 })));

    test('it answers 503 with Retry-After: 0', (t) => talkThrough(t, () => ({ status: 503, headers: { 'retry-after': '0' } })));

    test('it resets the connection without an answer', (t) =>
      talkThrough(t, (response) => {
        response.socket?.resetAndDestroy();
        return 'taken';
      }));

    test('it resets the connection in the middle of its answer', (t) =>
      talkThrough(t, (response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"code":', () => response.socket?.destroy());
        return 'taken';
      }));

    test('it answers after BACKEND_TIMEOUT_MS', (t) =>
      talkThrough(
        t,
        async () => {
          await sleep(BACKEND_TIMEOUT_MS * 2);
          return ok();
        },
        { BACKEND_TIMEOUT_MS: String(BACKEND_TIMEOUT_MS) },
      ));
  },
);
