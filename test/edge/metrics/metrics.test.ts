import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApp } from '../../support/app.ts';
import { ask } from '../../support/ask.ts';
import { startBackend } from '../../support/backend.ts';
import { refusal } from '../../support/client.ts';
import { watch } from '../../support/event-stream.ts';
import { enter, isEvent, ok, onMessage } from '../../support/guests.ts';
import { openRaw } from '../../support/raw-socket.ts';
import { scrape } from '../../support/scrape.ts';

/** Looks again until it is so; says what was there when patience ends. */
async function eventually(controlUrl: string, isSo: (seen: Awaited<ReturnType<typeof scrape>>) => void): Promise<void> {
  const until = performance.now() + 10_000;
  for (;;) {
    const seen = await scrape(controlUrl);
    try {
      isSo(seen);
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
    }
  }
}

test('scraped while messages flow, every count is what the clients and the backend know', async (t) => {
  const backend = await startBackend(
    t,
    onMessage(({ text }) => ({ status: text === 'bad' ? 404 : 204 })),
  );
  const gateway = await startApp(t, { API_URI: backend.url });
  const scene = { gateway, backend };
  const guests = await Promise.all(Array.from({ length: 4 }, () => enter(t, scene)));
  const last = { received: 0, calls: 0 };
  const words = ['one', 'bad', 'twenty-five bytes of text.'];
  const bytes = words.reduce((sum, word) => sum + word.length, 0);
  for (let round = 1; round <= 10; round += 1) {
    for (const { ws } of guests) for (const word of words) ws.send(word);
    for (const { push } of guests) assert.equal((await push('down')).status, 200);
    const { value } = await scrape(gateway.controlUrl); // in the middle of it: nothing goes back, nothing is over what was sent
    const received = value('wsaas_messages_received_total');
    const calls = value('wsaas_backend_call_duration_seconds_count', { event: 'message' });
    assert.ok(received >= last.received && received <= round * guests.length * words.length, String(received));
    assert.ok(calls >= last.calls && calls <= received, `${calls} calls for ${received} messages`);
    assert.ok(
      value('wsaas_messages_delivered_total') + value('wsaas_inbox_messages') >= received,
      'a message is in an inbox, or delivered',
    );
    assert.equal(value('wsaas_pushes_total', { result: 'sent' }), round * guests.length);
    Object.assign(last, { received, calls });
  }
  const sent = 10 * guests.length * words.length;
  await backend.calls.atLeast(sent, isEvent('message'));
  await eventually(gateway.controlUrl, ({ value }) => {
    assert.deepEqual(
      {
        connections: value('wsaas_connections'),
        open: value('wsaas_route_connections', { route: '/*', state: 'open' }),
        accepted: value('wsaas_opens_accepted_total'),
        received: value('wsaas_messages_received_total'),
        delivered: value('wsaas_messages_delivered_total'),
        complained: value('wsaas_messages_complained_total'),
        bytes: value('wsaas_received_bytes_total'),
        down: value('wsaas_pushes_sent_total'),
        bytesDown: value('wsaas_sent_bytes_total'),
        taken: value('wsaas_backend_call_duration_seconds_count', { event: 'message', status: '2xx' }),
        refused: value('wsaas_backend_call_duration_seconds_count', { event: 'message', status: '4xx' }),
        opened: value('wsaas_backend_call_duration_seconds_count', { event: 'open', status: '2xx' }),
        inbox: value('wsaas_inbox_messages'),
        up: value('wsaas_backend_state', { event: 'message', state: 'up' }),
        places: value('wsaas_places_taken'),
      },
      {
        connections: 4,
        open: 4,
        accepted: 4,
        received: sent,
        delivered: sent,
        complained: sent / 3,
        bytes: 10 * guests.length * bytes,
        down: 40,
        bytesDown: 40 * 4,
        taken: (sent / 3) * 2,
        refused: sent / 3,
        opened: 4,
        inbox: 0,
        up: 1,
        places: 4,
      },
    );
  });
});

test('what waits, what is refused, and how connections end', async (t) => {
  const backend = await startBackend(t, (call) =>
    isEvent('open')(call) && call.text.includes('/no') ? { status: 403 } : isEvent('message')(call) ? { status: 503 } : ok(),
  );
  const gateway = await startApp(t, { API_URI: backend.url });
  const scene = { gateway, backend };
  const { controlUrl } = gateway;
  assert.equal((await refusal(t, `${gateway.wsUrl}/no`)).status, 403);
  const [holding, byBackend, byClient, broken] = await Promise.all([enter(t, scene), enter(t, scene), enter(t, scene), enter(t, scene)]);
  holding.ws.send('held');
  holding.ws.send('behind it');
  await backend.calls.atLeast(2, isEvent('message', holding.id));
  assert.equal((await fetch(`${controlUrl}/nobody`, { method: 'PUT', body: 'x' })).status, 404);
  assert.equal((await fetch(byBackend.command('?code=4321'), { method: 'DELETE' })).status, 200);
  byClient.ws.close(1000);
  broken.ws.terminate();
  await backend.calls.atLeast(3, isEvent('close'));
  await eventually(controlUrl, ({ value }) => {
    const ended = (code: string, by: string) => value('wsaas_connections_ended_total', { code, by });
    assert.deepEqual(
      {
        refused: value('wsaas_opens_refused_total', { reason: 'refused' }),
        inbox: value('wsaas_inbox_messages'),
        held: value('wsaas_held_messages'),
        hasRetried: value('wsaas_messages_retried_total') >= 1,
        unanswered: value('wsaas_pushes_total', { result: 'not-found' }),
        ended: [ended('4xxx', 'backend'), ended('1000', 'client'), ended('1006', 'network')],
        delivered: value('wsaas_closes_delivered_total'),
        connections: value('wsaas_route_connections'),
      },
      { refused: 1, inbox: 2, held: 1, hasRetried: true, unanswered: 1, ended: [1, 1, 1], delivered: 3, connections: 1 },
    );
  });
});

test('no metric has a label that a stranger chooses, and each has units in its name and a bucket for all', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startApp(t, { API_URI: `${backend.url}?code=hunter2-planted`, BACKEND_HEADERS: '{"x-api-key":"hunter2-planted"}' });
  const { ws, id } = await enter(t, { gateway, backend }, { path: '/stranger-4711', headers: { Authorization: 'hunter2-planted' } });
  ws.close(3_999);
  await backend.calls.first(isEvent('close', id));
  const { text, types, value } = await scrape(gateway.controlUrl);
  for (const word of [id, 'stranger-4711', '"3999"', 'hunter2-planted']) assert.ok(!text.includes(word), `${word} is in a metric`);
  for (const [name, type] of types) {
    assert.match(name, /^wsaas_[a-z_]+$/);
    if (type === 'counter') assert.match(name, /_total$/);
    if (/_(duration|delay|trip|age)_/.test(name)) assert.match(name, /_seconds$/);
  }
  assert.equal(value('wsaas_backend_call_duration_seconds_bucket', { event: 'open', le: '+Inf' }), 1);
  assert.ok(value('wsaas_process_resident_memory_bytes') > 1e7);
  assert.ok(value('wsaas_event_loop_delay_seconds', { quantile: '1' }) >= value('wsaas_event_loop_delay_seconds', { quantile: '0.5' }));
});

test('a backend that is down is seen, and so is it when it is back', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startApp(t, { API_URI: backend.url });
  await backend.kill();
  for (let index = 0; index < 6; index += 1) assert.equal((await refusal(t, gateway.wsUrl)).status, 502);
  const states = async () => {
    const { value } = await scrape(gateway.controlUrl);
    return ['up', 'returning', 'down'].map((state) =>
      value('wsaas_backend_state', { event: 'open', state, backend: new URL(backend.url).origin }),
    );
  };
  assert.deepEqual(await states(), [0, 0, 1]);
  const { value } = await scrape(gateway.controlUrl);
  assert.ok(value('wsaas_backend_call_duration_seconds_count', { event: 'open', status: 'unreachable' }) >= 5);
  assert.equal(value('wsaas_opens_refused_total', { reason: 'unreachable' }), 6);
  await backend.revive();
  await enter(t, { gateway, backend });
  assert.deepEqual(await states(), [1, 0, 0]);
});

test('who watches is counted while they do, and so are the sockets of strangers', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startApp(t, { API_URI: backend.url, CONTROL_PORT: '0', CONSOLE_WATCHERS: '2' });
  const eventuallyIs = (name: string, wanted: number): Promise<void> =>
    eventually(gateway.controlUrl, ({ value }) => assert.equal(value(name), wanted, name));
  const strangers = await Promise.all(Array.from({ length: 3 }, () => openRaw(t, gateway.publicUrl)));
  await enter(t, { gateway, backend });
  await eventuallyIs('wsaas_http_sockets', 3);
  strangers[0]?.socket.destroy();
  await eventuallyIs('wsaas_http_sockets', 2);
  await eventuallyIs('wsaas_console_watchers', 0);
  const leaving: (() => unknown)[] = [];
  for (let index = 0; index < 2; index += 1)
    await watch({ after: (leave) => void leaving.push(leave as () => unknown) }, `${gateway.controlUrl}/console/events`);
  assert.equal((await ask(`${gateway.controlUrl}/console/events`)).status, 503, 'one too many, who is not counted');
  for (const left of [2, 1, 0]) {
    await eventuallyIs('wsaas_console_watchers', left);
    await leaving.pop()?.();
  }
});

test('a drain shows how far it is', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startApp(t, { API_URI: backend.url, DRAIN_DELAY_MS: '100', DRAIN_MS: '400' });
  const guests = await Promise.all(Array.from({ length: 4 }, () => enter(t, { gateway, backend })));
  const before = await scrape(gateway.controlUrl);
  assert.deepEqual(
    ['wsaas_ready', 'wsaas_draining', 'wsaas_unfinished', 'wsaas_goodbyes_total'].map((name) => before.value(name)),
    [1, 0, 4, 0],
  );
  const drained = gateway.drain();
  await guests[0]?.ended;
  const during = await scrape(gateway.controlUrl);
  assert.deepEqual([during.value('wsaas_ready'), during.value('wsaas_draining')], [0, 1]);
  assert.ok(during.value('wsaas_goodbyes_total') >= 1 && during.value('wsaas_unfinished') <= 4);
  await drained;
});
