import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBackend, type Call } from '../support/backend.ts';
import { startApp } from '../support/app.ts';
import { enter, freshPath, isEvent, onMessage, openOf, stillServes, wholeFile } from '../support/guests.ts';
import { upgradeRaw, frame, closeFrame, PING, PONG, TEXT, CONTINUATION, BINARY } from '../support/raw-socket.ts';

const backend = await startBackend(wholeFile);
const gateway = await startApp(wholeFile, { API_URI: backend.url, BACKEND_TIMEOUT_MS: '250', INBOX_MESSAGES: '8' });
const scene = { gateway, backend };
const OK_ANSWER = { status: 204 };

const messagesOf = (id: string): Call[] => backend.calls.all.filter(isEvent('message', id));

test('a message arrives byte for byte with the content type of its kind', async (t) => {
  backend.answer = onMessage(() => OK_ANSWER);
  const guest = await enter(t, scene);
  const cases: readonly (readonly [data: string | Buffer, type: string])[] = [
    ['hello', 'text/plain; charset=utf-8'],
    ['', 'text/plain; charset=utf-8'],
    ['{"a":1}', 'application/json'],
    [' \r\n[1,2]\t', 'application/json'],
    ['{not json}', 'application/json'],
    ['{"a":1', 'text/plain; charset=utf-8'],
    ['{"a":1]', 'text/plain; charset=utf-8'],
    ['"string"', 'text/plain; charset=utf-8'],
    ['17', 'text/plain; charset=utf-8'],
    ['ü€😀\u0000', 'text/plain; charset=utf-8'],
    [Buffer.from([0, 255, 254, 10, 13]), 'application/octet-stream'],
    [Buffer.alloc(0), 'application/octet-stream'],
    [Buffer.from('{"a":1}'), 'application/octet-stream'],
    [Buffer.alloc(262_144, 7), 'application/octet-stream'],
  ];
  for (const [data] of cases) guest.ws.send(data);
  const calls = await backend.calls.atLeast(cases.length, isEvent('message', guest.id));
  for (const [index, [data, type]] of cases.entries()) {
    const call = calls[index] ?? assert.fail();
    assert.ok(call.body.equals(Buffer.from(data as string)), `message ${index}`);
    assert.deepEqual(
      [call.method, call.headers['content-type'], call.headers['ws-seq'], call.headers['content-length']],
      ['PUT', type, String(index + 1), String(call.body.length)],
    );
  }
});

test('fragments are one message, with control frames between them answered at once', async (t) => {
  backend.answer = onMessage(() => OK_ANSWER);
  const path = freshPath();
  const raw = await upgradeRaw(t, gateway.wsUrl, { path });
  const id = String((await openOf(scene, path)).headers['ws-connection']);
  raw.write(frame(TEXT, 'a', { fin: false }), frame(PING, 'p1'), frame(CONTINUATION, Buffer.from([0xc3]), { fin: false }));
  await raw.frames.first(({ opcode, payload }) => opcode === PONG && payload.toString() === 'p1');
  raw.write(frame(PONG, 'unasked'), frame(CONTINUATION, '', { fin: false }), frame(CONTINUATION, Buffer.from([0xbc])), frame(BINARY, 'b'));
  const calls = await backend.calls.atLeast(2, isEvent('message', id));
  assert.deepEqual(
    calls.map(({ text }) => text),
    ['aü', 'b'],
  );
  raw.write(closeFrame(1000));
  await backend.calls.first(isEvent('close', id));
  assert.equal(messagesOf(id).length, 2, 'ping, pong and close are not for the backend');
});

test('order holds with a backend of random latency: one call at a time per connection, close last', async (t) => {
  const running = new Map<string, number>();
  let mostAtOnce = 0;
  let mostOfOne = 0;
  backend.answer = onMessage(async ({ headers, text }) => {
    const id = String(headers['ws-connection']);
    running.set(id, (running.get(id) ?? 0) + 1);
    mostOfOne = Math.max(mostOfOne, running.get(id) ?? 0);
    mostAtOnce = Math.max(
      mostAtOnce,
      [...running.values()].reduce((sum, count) => sum + count),
    );
    await sleep((Number(text) * 7) % 11);
    running.set(id, (running.get(id) ?? 0) - 1);
    return OK_ANSWER;
  });
  const guests = await Promise.all(Array.from({ length: 5 }, () => enter(t, scene)));
  for (const guest of guests) {
    for (let index = 1; index <= 30; index += 1) guest.ws.send(String(index));
    guest.ws.close(1000);
  }
  for (const guest of guests) {
    await backend.calls.first(isEvent('close', guest.id));
    const calls = backend.calls.all.filter(({ headers }) => headers['ws-connection'] === guest.id);
    assert.deepEqual(
      calls.map(({ headers }) => headers['ws-seq']),
      Array.from({ length: 32 }, (_, index) => String(index)),
    );
    assert.equal(calls.at(-1)?.headers['ws-event'], 'close');
    assert.deepEqual(
      calls.slice(1, -1).map(({ text }) => text),
      Array.from({ length: 30 }, (_, index) => String(index + 1)),
    );
  }
  assert.equal(mostOfOne, 1);
  assert.ok(mostAtOnce > 1, 'connections do not wait for one another');
});

test('a call that hangs delays its own connection only', async (t) => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  backend.answer = onMessage(({ text }) => (text === 'hang' ? held.then(() => OK_ANSWER) : OK_ANSWER));
  const stuck = await enter(t, scene);
  const other = await enter(t, scene);
  stuck.ws.send('hang');
  stuck.ws.send('after');
  await backend.calls.first(({ text }) => text === 'hang');
  await stillServes(scene, other);
  assert.deepEqual(
    messagesOf(stuck.id).map(({ text }) => text),
    ['hang'],
  );
  release();
  await backend.calls.first(({ text, headers }) => text === 'after' && headers['ws-connection'] === stuck.id);
});

for (const status of [200, 301, 400, 404, 413, 429, 500, 501]) {
  test(`${status} for a message counts as delivered`, async (t) => {
    backend.answer = onMessage(({ text }) => (text === 'first' ? { status, headers: { location: '/x' }, body: 'nope' } : OK_ANSWER));
    const guest = await enter(t, scene);
    guest.ws.send('first');
    guest.ws.send('second');
    await backend.calls.first(({ text, headers }) => text === 'second' && headers['ws-connection'] === guest.id);
    assert.deepEqual(
      messagesOf(guest.id).map(({ text }) => text),
      ['first', 'second'],
    );
    assert.equal(guest.frames.all.length, 0, 'without reply: true no answer reaches the client');
    guest.ws.close(1000);
    const close = await backend.calls.first(isEvent('close', guest.id));
    assert.equal(close.headers['ws-close-code'], '1000');
  });
}

const FAULTS: Readonly<Record<string, (call: Call, response: ServerResponse) => ReturnType<typeof backend.answer>>> = {
  '502': () => ({ status: 502 }),
  '503': () => ({ status: 503 }),
  '504': () => ({ status: 504 }),
  'a reset': (_call, response) => {
    (response.socket as Socket).resetAndDestroy();
    return 'taken';
  },
  'half an answer': (_call, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('half');
    setImmediate(() => response.destroy());
    return 'taken';
  },
  'no answer in time': () => null,
};

for (const [what, fault] of Object.entries(FAULTS)) {
  test(`after ${what} a message is sent again with its event id, and those behind it wait`, async (t) => {
    let attempts = 0;
    backend.answer = (call, response) => {
      if (!isEvent('message')(call)) return { body: '{"code":"OK"}' };
      if (call.text !== 'b') return OK_ANSWER;
      attempts += 1;
      return attempts <= 2 ? fault(call, response) : OK_ANSWER;
    };
    const guest = await enter(t, scene);
    for (const text of ['a', 'b', 'c']) guest.ws.send(text);
    guest.ws.close(1000);
    await backend.calls.first(isEvent('close', guest.id));
    const calls = messagesOf(guest.id);
    assert.deepEqual(
      calls.map(({ text, headers }) => text + String(headers['ws-seq'])),
      ['a1', 'b2', 'b2', 'b2', 'c3'],
    );
    assert.equal(new Set(calls.slice(1, 4).map(({ headers }) => headers['ws-event-id'])).size, 1);
    assert.equal(new Set(calls.map(({ headers }) => headers['ws-event-id'])).size, 3);
  });
}

test('Retry-After is honoured', async (t) => {
  let attempts = 0;
  backend.answer = onMessage(() => ((attempts += 1) === 1 ? { status: 503, headers: { 'retry-after': '1' } } : OK_ANSWER));
  const guest = await enter(t, scene);
  guest.ws.send('again');
  const [first, second] = await backend.calls.atLeast(2, isEvent('message', guest.id));
  const waited = (second?.at ?? 0) - (first?.at ?? 0);
  assert.ok(waited >= 950 && waited < 2_500, `waited ${waited} ms`);
});

test('a backend that is down for a while loses nothing, and clients stay', async (t) => {
  backend.answer = onMessage(() => OK_ANSWER);
  const guest = await enter(t, scene);
  await backend.kill();
  for (let index = 0; index < 40; index += 1) guest.ws.send(String(index)); // more than the inbox holds
  await sleep(300);
  await backend.revive();
  const calls = await backend.calls.atLeast(40, isEvent('message', guest.id));
  assert.deepEqual(
    calls.map(({ text }) => Number(text)),
    Array.from({ length: 40 }, (_, index) => index),
  );
  assert.equal(guest.ws.readyState, guest.ws.OPEN);
});

test('when BACKEND_RETRY_FOR_MS is over the sender is told by 1011, and so is the backend', async (t) => {
  let refusing = true;
  const own = await startBackend(t, (call) => (isEvent('message')(call) && refusing ? { status: 503 } : { body: '{"code":"OK"}' }));
  const other = { backend: own, gateway: await startApp(t, { API_URI: own.url, BACKEND_RETRY_FOR_MS: '300' }) };
  const guest = await enter(t, other);
  guest.ws.send('lost');
  assert.equal((await guest.ended).code, 1011);
  refusing = false;
  const close = await own.calls.first(isEvent('close', guest.id));
  assert.equal(close.headers['ws-close-code'], '1011');
});

test('what a client sent that has left, and that nobody took in time, is counted and logged, with how much it was', async (t) => {
  const own = await startBackend(t, (call) => (isEvent('message')(call) ? { status: 503 } : { body: '{"code":"OK"}' }));
  const other = { backend: own, gateway: await startApp(t, { API_URI: own.url, BACKEND_RETRY_FOR_MS: '300' }) };
  const guest = await enter(t, other);
  for (const text of ['1', '2', '3']) guest.ws.send(text);
  guest.ws.close(1000);
  const close = await own.calls.first(isEvent('close', guest.id));
  assert.equal(close.headers['ws-close-code'], '1000');
  const metrics = await (await fetch(`${other.gateway.controlUrl}/metrics`)).text();
  assert.match(metrics, /^wsaas_messages_undelivered_total 3$/m);
  await other.gateway.log.first(({ level, id, undelivered }) => level >= 40 && id === guest.id && undelivered === 3);
});

test('the wire to the backend is kept open between calls', async (t) => {
  backend.answer = onMessage(() => OK_ANSWER);
  const guest = await enter(t, scene);
  let sockets = 0;
  backend.server.on('connection', () => (sockets += 1));
  for (let index = 0; index < 20; index += 1) {
    guest.ws.send(String(index));
    await backend.calls.atLeast(index + 1, isEvent('message', guest.id));
  }
  guest.ws.close();
  await backend.calls.first(isEvent('close', guest.id));
  assert.ok(sockets <= 1, `${sockets} new sockets for 21 calls`);
});
