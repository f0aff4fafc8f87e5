import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBackend } from '../support/backend.ts';
import { Chatter, keepTalking, letIn } from '../support/chatter.ts';
import { Deliveries } from '../support/deliveries.ts';
import { startGateway } from '../support/gateway.ts';
import { isEvent, ok } from '../support/guests.ts';

const CLIENTS = 200;
const EVERY_MS = 200;
const OUTAGE_MS = 20_000;
/** From the backend's return until all that was held is delivered: 20,000 messages, and the breaker's ramp. */
const CATCH_UP_MS = 20_000;

test('a backend killed for 20 s under 200 talking clients: after its return all has arrived, once, in order; nobody was closed', async (t) => {
  const deliveries = new Deliveries();
  const backend = await startBackend(t, (call) => {
    if (isEvent('message')(call)) {
      deliveries.hear(call);
      deliveries.take(call);
    }
    return ok();
  });
  const gateway = await startGateway(t, { API_URI: backend.url });
  const clients = await letIn(CLIENTS, (index) => new Chatter(t, gateway.wsUrl, { name: `c${index}` }));
  let ended = 0;
  for (const client of clients) void client.ended.then(() => (ended += 1));

  const stop = keepTalking(t, clients, EVERY_MS);
  await deliveries.taken.atLeast(CLIENTS * 3);
  await backend.kill();
  const before = deliveries.taken.all.length;
  await sleep(OUTAGE_MS);
  assert.equal(deliveries.taken.all.length, before, 'nothing reached the dead backend');
  assert.equal(ended, 0, 'nobody was closed during the outage');
  await backend.revive();
  const revivedAt = Date.now();
  await deliveries.taken.atLeast(before + 1);
  const firstAfterMs = Date.now() - revivedAt;
  stop();
  const said = clients.reduce((sum, client) => sum + client.said, 0);
  assert.ok(said >= (CLIENTS * OUTAGE_MS) / EVERY_MS, `the clients said ${said}`);
  await deliveries.taken.atLeast(said, () => true, CATCH_UP_MS);
  t.diagnostic(
    `${said} messages, ${deliveries.repeats} repeated; first ${firstAfterMs} ms, last ${Date.now() - revivedAt} ms after the return`,
  );

  assert.deepEqual(deliveries.faults.slice(0, 5), []);
  assert.equal(ended, 0, 'nobody was closed');
  assert.equal(backend.calls.all.filter(isEvent('close')).length, 0);
  for (const client of clients) client.say(); // and all goes on as ever
  await deliveries.taken.atLeast(said + CLIENTS);
  assert.equal(deliveries.taken.all.length, said + CLIENTS);
  assert.deepEqual(deliveries.faults.slice(0, 5), []);
});
