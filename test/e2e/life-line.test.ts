import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApp } from '../support/app.ts';
import { startBackend } from '../support/backend.ts';
import { refusal } from '../support/client.ts';
import { enter, isEvent, ok, wholeFile } from '../support/guests.ts';
import { upgradeRaw } from '../support/raw-socket.ts';

const PLANTED = 'hunter2-planted';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

const backend = await startBackend(wholeFile, (call) => {
  if (isEvent('message')(call)) return { status: call.text === 'complain' ? 422 : 204 };
  return call.text.includes('/no') ? { status: 403 } : ok();
});
const gateway = await startApp(wholeFile, { API_URI: `${backend.url}?code=${PLANTED}`, BACKEND_HEADERS: `{"x-api-key":"${PLANTED}"}` });
const scene = { gateway, backend };
const headers = { Authorization: `Bearer ${PLANTED}`, Cookie: `session=${PLANTED}`, traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };

const lifeOf = (id: string) => gateway.log.first((line) => line.msg === 'a connection has ended' && line['id'] === id);

test('one line at INFO tells of a connection: how long, how much both ways, how it ended and by whom', async (t) => {
  const guest = await enter(t, scene, { headers });
  guest.ws.send('one');
  guest.ws.send('complain');
  await guest.push('down');
  await guest.push('down again');
  await guest.push('and again');
  await backend.calls.atLeast(2, isEvent('message', guest.id));
  guest.ws.close(1000, 'bye');
  const { level, durationMs, traceId, route, received, sent, closeCode, closeReason, closedBy, remoteAddress } = await lifeOf(guest.id);
  assert.deepEqual(
    { level, traceId, route, received, sent, closeCode, closeReason, closedBy, remoteAddress },
    {
      level: 30,
      traceId: TRACE,
      route: '/*',
      received: 2,
      sent: 3,
      closeCode: 1000,
      closeReason: 'bye',
      closedBy: 'client',
      remoteAddress: '127.0.0.1',
    },
  );
  assert.ok(typeof durationMs === 'number' && durationMs >= 0 && durationMs < 60_000);
  const complaint = await gateway.log.first(({ msg }) => msg === 'the backend took a message and complained');
  const second = backend.calls.all.filter(isEvent('message', guest.id))[1];
  assert.deepEqual([complaint['id'], complaint['eventId'], complaint['traceId']], [guest.id, second?.headers['ws-event-id'], TRACE]);
});

test('who ended it: the backend, the network, the gateway', async (t) => {
  const closed = await enter(t, scene);
  await fetch(closed.command('?code=4000&reason=enough'), { method: 'DELETE' });
  const selected = await enter(t, scene);
  await fetch(`${gateway.controlUrl}/close?id=${selected.id}`, { method: 'POST' });
  const cut = await enter(t, scene);
  cut.ws.terminate();
  const raw = await upgradeRaw(t, gateway.wsUrl, { path: '/breaks-the-rules' });
  raw.write(Buffer.from([0xff, 0x80, 0, 0, 0, 0])); // reserved bits and an unknown opcode
  const seen = [closed.id, selected.id, cut.id].map(lifeOf);
  const broken = gateway.log.first((line) => line.msg === 'a connection has ended' && line['closeCode'] === 1002);
  const ends = (await Promise.all([...seen, broken])).map(({ closeCode, closedBy }) => [closeCode, closedBy]);
  assert.deepEqual(ends, [
    [4000, 'backend'],
    [1000, 'backend'],
    [1006, 'network'],
    [1002, 'gateway'],
  ]);
});

test('a client that is refused has no life to tell, and no credential is in any line', async (t) => {
  const before = gateway.log.all.filter(({ msg }) => msg === 'a connection has ended').length;
  assert.equal((await refusal(t, `${gateway.wsUrl}/no?token=${PLANTED}`, { headers })).status, 403);
  const guest = await enter(t, scene, { headers });
  guest.ws.close();
  await lifeOf(guest.id);
  assert.equal(gateway.log.all.filter(({ msg }) => msg === 'a connection has ended').length, before + 1);
  assert.ok(!JSON.stringify(gateway.log.all).includes(PLANTED));
});
