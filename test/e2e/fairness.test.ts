import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { startApp } from '../support/app.ts';
import { enter, isEvent, ok, onMessage } from '../support/guests.ts';

test('a backend that hangs on one connection’s message delays that connection only', async (t) => {
  const { promise: hang, resolve: answer } = Promise.withResolvers<void>();
  const backend = await startBackend(
    t,
    onMessage(async ({ text }) => {
      if (text === 'hang') await hang;
      return ok();
    }),
  );
  const scene = { backend, gateway: await startApp(t, { API_URI: backend.url }) };
  const stuck = await enter(t, scene);
  const others = await Promise.all(Array.from({ length: 20 }, () => enter(t, scene)));
  stuck.ws.send('hang');
  stuck.ws.send('behind it');
  await backend.calls.first(({ text }) => text === 'hang');
  for (let round = 1; round <= 20; round += 1) {
    for (const { ws } of others) ws.send(`round ${round}`);
    await Promise.all(
      others.map(({ id }) => backend.calls.first((call) => isEvent('message', id)(call) && call.text === `round ${round}`)),
    );
  }
  const newcomer = await enter(t, scene);
  newcomer.ws.close();
  await backend.calls.first(isEvent('close', newcomer.id));
  assert.equal((await stuck.push('down')).status, 200);
  await stuck.frames.first(({ text }) => text === 'down');
  const ofStuck = () => backend.calls.all.filter(isEvent('message', stuck.id)).map(({ text }) => text);
  assert.deepEqual(ofStuck(), ['hang']);
  answer();
  await backend.calls.first(({ text }) => text === 'behind it');
  assert.deepEqual(ofStuck(), ['hang', 'behind it']);
});

test('BACKEND_CONNECTIONS are shared fairly: one that sends much does not hold up one that sends little', async (t) => {
  const CONNECTIONS = 2;
  const MESSAGES = 30;
  let running = 0;
  let mostRunning = 0;
  const gate = Promise.withResolvers<void>();
  const backend = await startBackend(
    t,
    onMessage(async () => {
      running += 1;
      mostRunning = Math.max(mostRunning, running);
      await gate.promise;
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return ok();
    }),
  );
  const gateway = await startApp(t, { API_URI: backend.url, BACKEND_CONNECTIONS: String(CONNECTIONS) });
  const scene = { backend, gateway };
  const guests = await Promise.all(Array.from({ length: 10 }, () => enter(t, scene)));
  for (const { ws } of guests) for (let index = 1; index <= MESSAGES; index += 1) ws.send(String(index));
  await backend.calls.atLeast(CONNECTIONS, isEvent('message'));
  // a pong says that all that was sent before the ping is read: everybody waits in line now
  await Promise.all(
    guests.map(async ({ ws }) => {
      ws.ping();
      await once(ws, 'pong');
    }),
  );
  gate.resolve();
  await backend.calls.atLeast(guests.length * MESSAGES, isEvent('message'));
  assert.equal(mostRunning, CONNECTIONS);
  const counts = new Map(guests.map(({ id }) => [id, 0]));
  for (const { headers } of backend.calls.all.filter(isEvent('message'))) {
    const id = String(headers['ws-connection']);
    counts.set(id, (counts.get(id) ?? 0) + 1);
    const lead = Math.max(...counts.values()) - Math.min(...counts.values());
    assert.ok(lead <= 2, `one connection is ${lead} messages ahead of another: ${[...counts.values()].join(' ')}`);
  }
});
