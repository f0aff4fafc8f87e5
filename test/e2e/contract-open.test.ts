import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBackend, type Handler } from '../support/backend.ts';
import { refusal, tryConnect } from '../support/client.ts';
import { startApp } from '../support/app.ts';
import { bodyOf, enter, freshPath, isEvent, isOpenOf, ok, openOf, wholeFile } from '../support/guests.ts';

const backend = await startBackend(wholeFile);
const gateway = await startApp(wholeFile, {
  API_URI: backend.url,
  OPEN_TIMEOUT_MS: '300',
  BACKEND_HEADERS: '{"x-api-key":"k1"}',
  MAX_MESSAGE_BYTES: '1024',
});
const scene = { gateway, backend };

/** Answers `open` with this, everything else with 200. */
function onOpen(handler: Handler): void {
  backend.answer = (call, response) => (isEvent('open')(call) ? handler(call, response) : { status: 200 });
}

test('the open call is a POST that tells who came, where from and what for', async (t) => {
  onOpen(() => ok());
  const path = `${freshPath()}/a%20b/..%2fc`;
  const guest = await enter(t, scene, { path, subprotocols: [] });
  const call = await openOf(scene, path);
  assert.equal(call.method, 'POST');
  assert.equal(call.url, '/ws');
  assert.match(call.headers['content-type'] ?? '', /^application\/json/);
  const port = new URL(gateway.controlUrl).port;
  assert.deepEqual(bodyOf(call), {
    code: 'NEW_CONNECTION',
    ws_uri: `localhost:${port}/${guest.id}`,
    timeout: 30_000,
    id: guest.id,
    path,
    query: {},
    subprotocols: [],
    remote_address: '127.0.0.1',
  });
});

test('ids are URL-safe, at most 36 characters, hold 96 bits and are never the same', async (t) => {
  onOpen(() => ok());
  const guests = await Promise.all(Array.from({ length: 20 }, () => enter(t, scene)));
  const ids = guests.map(({ id }) => id);
  assert.equal(new Set(ids).size, 20);
  for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{16,36}$/);
});

test('query is an object of strings, and of arrays where a name repeats', async (t) => {
  onOpen(() => ok());
  const path = freshPath();
  await tryConnect(t, `${gateway.wsUrl}${path}?a=1&b=x%20y&a=2&empty=&__proto__=p`);
  const query = bodyOf(await openOf(scene, path))['query'] as Record<string, unknown>;
  assert.deepEqual([query['a'], query['b'], query['empty']], [['1', '2'], 'x y', '']);
});

test('every event carries the headers of the contract, and Authorization as the client sent it', async (t) => {
  onOpen(() => ok());
  const guest = await enter(t, scene, { headers: { authorization: 'Bearer sesame' } });
  guest.ws.send('one');
  await backend.calls.first(isEvent('message', guest.id));
  guest.ws.close(4001, 'über & out');
  await backend.calls.first(isEvent('close', guest.id));
  const calls = backend.calls.all.filter(({ headers }) => headers['ws-connection'] === guest.id);
  assert.deepEqual(
    calls.map(({ method, headers }) => [method, headers['ws-event'], headers['ws-seq']?.slice(0, 1)]),
    [
      ['POST', 'open', '0'],
      ['PUT', 'message', '1'],
      ['DELETE', 'close', '2'],
    ],
  );
  for (const { headers } of calls) {
    assert.equal(headers.authorization, 'Bearer sesame');
    assert.equal(headers['ws-uri'], `localhost:${new URL(gateway.controlUrl).port}/${guest.id}`);
    assert.match(headers['traceparent'] as string, /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);
    assert.equal(headers['x-api-key'], 'k1');
    assert.equal(headers['ws-tags'], undefined);
    assert.equal(headers['ws-data'], undefined);
  }
  assert.equal(new Set(calls.map(({ headers }) => headers['ws-event-id'])).size, 3);
  const close = calls[2];
  assert.equal(close?.headers['ws-close-code'], '4001');
  assert.equal(decodeURIComponent(String(close?.headers['ws-close-reason'])), 'über & out');
  assert.deepEqual(bodyOf(close ?? assert.fail('no close event')), {
    code: 'CONNECTION_CLOSE',
    ws_uri: close.headers['ws-uri'],
    id: guest.id,
    close_code: 4001,
    close_reason: 'über & out',
  });
});

test('without Authorization no event has one', async (t) => {
  onOpen(() => ok());
  const guest = await enter(t, scene);
  guest.ws.send('one');
  guest.ws.close();
  await backend.calls.first(isEvent('close', guest.id));
  const calls = backend.calls.all.filter(({ headers }) => headers['ws-connection'] === guest.id);
  assert.equal(calls.length, 3);
  for (const { headers } of calls) assert.equal('authorization' in headers, false);
});

test('the standard forwarded headers reach the open call, others do not, and only Authorization goes further', async (t) => {
  onOpen(() => ok());
  const sent = { cookie: 'a=1; b=2', origin: 'http://x.test', 'user-agent': 'probe/1', 'x-secret': 'no', authorization: 'Basic eDp5' };
  const guest = await enter(t, scene, { headers: sent });
  guest.ws.send('one');
  const message = await backend.calls.first(isEvent('message', guest.id));
  const open = await backend.calls.first(isEvent('open', guest.id));
  const { headers } = open;
  assert.deepEqual(
    [headers.cookie, headers.origin, headers['user-agent'], headers['x-secret'], headers.authorization],
    ['a=1; b=2', 'http://x.test', 'probe/1', undefined, 'Basic eDp5'],
  );
  assert.deepEqual([message.headers.cookie, message.headers.origin, message.headers.authorization], [undefined, undefined, 'Basic eDp5']);
});

test('the trace of the client is continued, one that is malformed is replaced', async (t) => {
  onOpen(() => ok());
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  const guest = await enter(t, scene, { headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` } });
  guest.ws.send('one');
  const message = await backend.calls.first(isEvent('message', guest.id));
  const open = await backend.calls.first(isEvent('open', guest.id));
  const spans = [open, message].map(({ headers }) => String(headers['traceparent']).split('-'));
  assert.deepEqual(
    spans.map(([, traceId]) => traceId),
    [trace, trace],
  );
  assert.equal(new Set([...spans.map(([, , span]) => span), '00f067aa0ba902b7']).size, 3);
  const other = await enter(t, scene, { headers: { traceparent: '00-zz-zz-01' } });
  const { headers } = await backend.calls.first(isEvent('open', other.id));
  assert.match(String(headers['traceparent']), /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);
});

test('tags and data of the verdict come back on later events, but not on open', async (t) => {
  onOpen(() => ok({ tags: { room: 'a b', user: 'ü&=' }, data: 'opaque {state}' }));
  const guest = await enter(t, scene);
  guest.ws.send('one');
  guest.ws.close();
  const message = await backend.calls.first(isEvent('message', guest.id));
  const close = await backend.calls.first(isEvent('close', guest.id));
  for (const { headers } of [message, close]) {
    assert.deepEqual(Object.fromEntries(new URLSearchParams(String(headers['ws-tags']))), { room: 'a b', user: 'ü&=' });
    assert.equal(headers['ws-data'], 'opaque {state}');
  }
  const described = await backend.calls.first(isEvent('open', guest.id));
  assert.equal(described.headers['ws-data'], undefined);
});

test('a subprotocol is chosen by the backend alone', async (t) => {
  onOpen(() => ok({ subprotocol: 'v2.chat' }));
  const path = freshPath();
  const guest = await enter(t, scene, { path, subprotocols: ['v1.chat', 'v2.chat'] });
  assert.deepEqual(bodyOf(await openOf(scene, path))['subprotocols'], ['v1.chat', 'v2.chat']);
  assert.equal(guest.ws.protocol, 'v2.chat');
  assert.equal(((await (await fetch(guest.command())).json()) as { subprotocol: string }).subprotocol, 'v2.chat');

  const refused = await refusal(t, gateway.wsUrl + freshPath(), { subprotocols: ['v1.chat'] });
  assert.equal(refused.status, 502);
});

test('where the backend names no subprotocol the 101 names none', async (t) => {
  onOpen(() => ok());
  const result = await tryConnect(t, gateway.wsUrl + freshPath(), { subprotocols: ['v1.chat'] }).catch((error: Error) => error.message);
  assert.equal(result, 'Server sent no subprotocol'); // RFC 6455 §4.1 leaves it to the client; `ws` then leaves
});

test('Set-Cookie and X-* of the verdict are on the 101', async (t) => {
  onOpen(() => ok({ headers: { 'Set-Cookie': 'sid=1; HttpOnly', 'X-Room': 'blue' } }));
  const guest = await enter(t, scene);
  assert.deepEqual([guest.headers['set-cookie'], guest.headers['x-room']], [['sid=1; HttpOnly'], 'blue']);
});

for (const [what, extra] of Object.entries({
  'a header that would split the 101': { headers: { 'X-A': 'b\r\nX-Evil: 1' } },
  'a header that is ours': { headers: { 'Sec-WebSocket-Accept': 'x' } },
  'data with a line break': { data: 'a\r\nb' },
  'data over 4096 bytes': { data: 'x'.repeat(4_097) },
  'tags that are no strings': { tags: { a: 1 } },
  'more than 64 tags': { tags: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, 'v'])) },
  'a message over the limit': { message: 'x'.repeat(1_025) },
})) {
  test(`an acceptance with ${what} is unreadable: 502`, async (t) => {
    onOpen(() => ok(extra));
    const { status, body } = await refusal(t, gateway.wsUrl + freshPath());
    assert.deepEqual([status, (JSON.parse(body) as { code: string }).code], [502, 'BAD_GATEWAY']);
  });
}

test('the message of the verdict is the first frame that the client gets', async (t) => {
  onOpen(() => ok({ message: 'wëlcome' }));
  const guest = await enter(t, scene);
  const first = await guest.frames.first(() => true);
  assert.deepEqual([first.text, first.isBinary], ['wëlcome', false]);
});

const REFUSALS: readonly (readonly [what: string, handler: Handler, status: number, code?: string])[] = [
  ['401', () => ({ status: 401 }), 401],
  ['404 with a code', () => ({ status: 404, body: '{"code":"NO_ROOM"}' }), 404],
  ['429', () => ({ status: 429, body: 'calm down' }), 429],
  ['2xx with another code', () => ({ status: 200, body: '{"code":"BANNED"}' }), 403, 'BANNED'],
  ['201 with OK but in lower case', () => ({ status: 201, body: '{"code":"ok"}' }), 403, 'ok'],
  ['a redirect', () => ({ status: 302, headers: { location: backend.url } }), 502],
  ['500', () => ({ status: 500, body: '{"code":"OK"}' }), 502],
  ['503', () => ({ status: 503 }), 502],
  ['no body', () => ({ status: 200 }), 502],
  ['204', () => ({ status: 204 }), 502],
  ['HTML', () => ({ status: 200, body: '<h1>OK</h1>' }), 502],
  ['half a JSON', () => ({ status: 200, body: '{"code":"O' }), 502],
  ['a JSON array', () => ({ status: 200, body: '["OK"]' }), 502],
];

for (const [what, handler, status, code] of REFUSALS) {
  test(`a backend's ${what} refuses with ${status}, and no close event follows`, async (t) => {
    onOpen(handler);
    const path = freshPath();
    const refused = await refusal(t, gateway.wsUrl + path);
    assert.equal(refused.status, status);
    const body = JSON.parse(refused.body) as { code: string };
    if (code === undefined) assert.match(body.code, /^[A-Z_]+$/);
    else assert.equal(body.code, code);
    const { headers } = await openOf(scene, path);
    const pushed = await fetch(`${gateway.controlUrl}/${headers['ws-connection'] as string}`, { method: 'PUT', body: 'x' });
    assert.equal(pushed.status, 404);
    onOpen(() => ok());
    const next = await enter(t, scene); // a whole life later nothing was told about the refused one
    next.ws.close();
    await backend.calls.first(isEvent('close', next.id));
    assert.equal(backend.calls.all.some(isEvent('close', headers['ws-connection'] as string)), false);
    assert.equal(backend.calls.all.filter(isOpenOf(path)).length, 1, 'asked once: open is not repeated, a redirect not followed');
  });
}

test('an open call that answers its head at once and its body never is 504', async (t) => {
  onOpen((_call, response) => {
    response.writeHead(200).write('{"code":');
    return 'taken';
  });
  assert.equal((await refusal(t, gateway.wsUrl + freshPath())).status, 504);
});

test('a backend that is not there is 502', async (t) => {
  const gone = await startBackend(t);
  const other = await startApp(t, { API_URI: gone.url });
  await gone.kill();
  assert.equal((await refusal(t, `${other.wsUrl}/x`)).status, 502);
});
