import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { Chatter, keepTalking, letIn, type Goodbye } from '../support/chatter.ts';
import { Deliveries } from '../support/deliveries.ts';
import { startGateway } from '../support/gateway.ts';
import { bodyOf, isEvent, ok } from '../support/guests.ts';

const CLIENTS = 2_000;
const EVERY_MS = 1_500;
const DRAIN_MS = 4_000;
const BUCKETS = 8;

test('SIGTERM at 2,000 talking connections: all they sent arrives, 2,000 close events, evenly paced goodbyes, exit 0 in time', async (t) => {
  const deliveries = new Deliveries();
  const backend = await startBackend(t, (call) => {
    if (isEvent('message')(call)) {
      deliveries.hear(call);
      deliveries.take(call);
    }
    return ok();
  });
  const gateway = await startGateway(t, { API_URI: backend.url, DRAIN_MS: String(DRAIN_MS) });
  const clients = await letIn(CLIENTS, (index) => new Chatter(t, gateway.wsUrl, { name: `c${index}`, hasLastWord: true }));
  const names = new Map(
    backend.calls.all.filter(isEvent('open')).map((open) => [String(open.headers['ws-connection']), String(bodyOf(open)['path']).slice(1)]),
  );
  keepTalking(t, clients, EVERY_MS);
  await deliveries.taken.atLeast(CLIENTS);

  const toldAt = performance.now();
  gateway.process.kill('SIGTERM');
  const exit = await gateway.exited;
  const tookMs = performance.now() - toldAt;
  assert.deepEqual(exit, { code: 0, signal: null });
  assert.ok(tookMs <= DRAIN_MS + 5_000, `it took ${tookMs} ms`);
  const goodbyes = await Promise.all(clients.map(({ goodbye }) => goodbye));
  assert.ok(goodbyes.every((goodbye) => goodbye?.code === 1001));

  const closes = backend.calls.all.filter(isEvent('close'));
  assert.equal(closes.length, CLIENTS);
  assert.equal(new Set(closes.map(({ headers }) => headers['ws-event-id'])).size, CLIENTS);
  assert.ok(closes.every(({ headers }) => headers['ws-close-code'] === '1001'));

  const missing = clients.filter((client) => deliveries.countOf(client.name) !== client.said);
  assert.deepEqual(missing.map(({ name, said }) => `${name} said ${said}, ${deliveries.countOf(name)} arrived`).slice(0, 5), []);
  assert.deepEqual(deliveries.faults.slice(0, 5), []);
  const over = new Set<string>();
  const last = new Map(clients.map(({ name, said }) => [name, `${name}/${said}`]));
  for (const call of backend.calls.all) {
    const name = names.get(String(call.headers['ws-connection'])) ?? '';
    if (isEvent('close')(call)) over.add(name);
    else assert.ok(!over.has(name), `${call.text} came after the close event; the last was ${last.get(name)}`);
  }

  const most = mostInOneBucket(goodbyes as Goodbye[]);
  assert.ok(most <= (3 * CLIENTS) / BUCKETS, `${most} goodbyes in ${DRAIN_MS / BUCKETS} ms, the mean is ${CLIENTS / BUCKETS}`);
  t.diagnostic(
    `${deliveries.taken.all.length} messages; ended after ${Math.round(tookMs)} ms; at most ${most} goodbyes in ${DRAIN_MS / BUCKETS} ms`,
  );
});

/** The most goodbyes within any window of DRAIN_MS / BUCKETS. */
function mostInOneBucket(goodbyes: readonly Goodbye[]): number {
  const times = goodbyes.map(({ at }) => at).toSorted((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (const [index, at] of times.entries()) {
    while (at - (times[first] ?? at) > DRAIN_MS / BUCKETS) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
