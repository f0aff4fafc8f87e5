import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { startGateway } from '../support/gateway.ts';
import { enter, isEvent, ok, type Guest, wholeFile } from '../support/guests.ts';
import { exchangePipelined, pipelined } from '../support/pipelined.ts';

const backend = await startBackend(wholeFile, () => ok({ tags: { room: 'blue' } }));
const gateway = await startGateway(wholeFile, { API_URI: backend.url, MAX_MESSAGE_BYTES: '2000', NODE_NAME: 'node-1' });
const scene = { gateway, backend };

type Told = { readonly status: number; readonly code: unknown; readonly message: unknown; readonly headers: Headers };

async function told(response: Response): Promise<Told> {
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
  const { code, message } = (await response.json()) as Record<string, unknown>;
  if (!response.ok) assert.equal(typeof message, 'string');
  return { status: response.status, code, message, headers: response.headers };
}

const remove = (guest: Guest, suffix = '', body?: string): Promise<Response> =>
  fetch(guest.command(suffix), { method: 'DELETE', ...(body !== undefined && { body }) });

test('PUT sends one frame: binary for application/octet-stream, else text', async (t) => {
  const guest = await enter(t, scene);
  const cases: readonly (readonly [body: Uint8Array<ArrayBuffer>, type: string | undefined, isBinary: boolean])[] = [
    [Buffer.from('plain'), 'text/plain', false],
    [Buffer.from('{"a":1}'), 'application/json', false],
    [Buffer.from('{"a":'), 'application/json', false],
    [Buffer.from('a=1&b=2'), 'application/x-www-form-urlencoded', false],
    [Buffer.from('no type'), undefined, false],
    [Buffer.from('ü€😀'), 'multipart/form-data; boundary=x', false],
    [Buffer.alloc(0), undefined, false],
    [Buffer.from([0, 255, 128]), 'application/octet-stream', true],
    [Buffer.from([1]), 'Application/Octet-Stream; x=y', true],
    [Buffer.alloc(0), 'application/octet-stream', true],
    [Buffer.alloc(2_000, 65), undefined, false],
  ];
  for (const [body, type] of cases) {
    const { status, code } = await told(await guest.push(body, type === undefined ? {} : { 'content-type': type }));
    assert.deepEqual([status, code], [200, 'OK']);
  }
  const frames = await guest.frames.atLeast(cases.length);
  for (const [index, [body, , isBinary]] of cases.entries()) {
    assert.ok(frames[index]?.data.equals(body), `frame ${index}`);
    assert.equal(frames[index]?.isBinary, isBinary, `frame ${index}`);
  }
});

const NUMBERS = Array.from({ length: 50 }, (_, index) => index);

test('pushes keep the order of their requests, one by one', async (t) => {
  const guest = await enter(t, scene);
  for (const number of NUMBERS) assert.equal((await guest.push(String(number))).status, 200);
  assert.deepEqual(
    (await guest.frames.atLeast(NUMBERS.length)).map(({ text }) => Number(text)),
    NUMBERS,
  );
});

for (const [how, bytesApiece] of [
  ['in one write', Infinity],
  ['in pieces that end anywhere', 97],
] as const) {
  test(`fifty pushes that are pipelined on one connection, ${how}, keep their order, and so do their answers and the close after them`, async (t) => {
    const guest = await enter(t, scene);
    const lines = NUMBERS.map((number) => pipelined('PUT', `/${guest.id}`, String(number)));
    lines.splice(10, 0, pipelined('PUT', '/nobody', 'lost')); // an error amid them changes no order
    const answers = await exchangePipelined(t, gateway.controlUrl, {
      requests: [...lines, pipelined('DELETE', `/${guest.id}?code=4100`), pipelined('PUT', `/${guest.id}`, 'late')],
      bytesApiece,
    });
    assert.deepEqual(answers, [...NUMBERS.slice(0, 10).map(() => 200), 404, ...NUMBERS.slice(10).map(() => 200), 200, 404]);
    assert.equal((await guest.ended).code, 4100);
    assert.deepEqual(
      guest.frames.all.map(({ text }) => Number(text)),
      NUMBERS,
    );
  });
}

test('an Idempotency-Key of 256 bytes is taken, a longer one is 400 and nothing is sent', async (t) => {
  const guest = await enter(t, scene);
  assert.equal((await guest.push('kept', { 'idempotency-key': 'k'.repeat(256) })).status, 200);
  assert.equal((await told(await guest.push('not sent', { 'idempotency-key': 'k'.repeat(257) }))).code, 'BAD_REQUEST');
  await guest.push('last');
  assert.deepEqual(
    (await guest.frames.atLeast(2)).map(({ text }) => text),
    ['kept', 'last'],
  );
});

test('a push that cannot be sent says why, and nothing is sent', async (t) => {
  const guest = await enter(t, scene);
  const tries: readonly (readonly [Promise<Response>, number, string])[] = [
    [guest.push(new Uint8Array([0xc3, 0x28])), 400, 'BAD_REQUEST'],
    [guest.push(new Uint8Array([0xed, 0xa0, 0x80])), 400, 'BAD_REQUEST'],
    [guest.push('x'.repeat(2_001)), 413, 'MESSAGE_TOO_LONG'],
    [guest.push('x'.repeat(200_000)), 413, 'MESSAGE_TOO_LONG'],
    [fetch(`${gateway.controlUrl}/nobody`, { method: 'PUT', body: 'x' }), 404, 'NOT_FOUND'],
    [fetch(`${gateway.controlUrl}/nobody`, { method: 'DELETE' }), 404, 'NOT_FOUND'],
    [fetch(`${gateway.controlUrl}/nobody`), 404, 'NOT_FOUND'],
  ];
  for (const [index, [response, status, code]] of tries.entries()) {
    const answer = await told(await response);
    assert.deepEqual([answer.status, answer.code], [status, code], `try ${index}`);
  }
  await guest.push('last');
  assert.equal((await guest.frames.first(() => true)).text, 'last');
});

test('a method that is no command is 405 and names those that are', async (t) => {
  const guest = await enter(t, scene);
  for (const method of ['POST', 'PATCH', 'OPTIONS', 'TRACEX', 'PROPFIND', 'MKCOL']) {
    if (method === 'TRACEX') continue; // no method of HTTP: malformed
    const { status, code, headers } = await told(await fetch(guest.command(), { method }));
    assert.deepEqual([method, status, code], [method, 405, 'METHOD_NOT_ALLOWED']);
    for (const allowed of ['GET', 'PUT', 'DELETE']) assert.match(headers.get('allow') ?? '', new RegExp(`\\b${allowed}\\b`));
  }
});

test('GET describes the connection', async (t) => {
  const before = Date.now();
  const guest = await enter(t, scene, { path: '/chat/a%20b' });
  const response = await fetch(guest.command());
  assert.equal(response.status, 200);
  const { connected_at: connectedAt, last_active_at: lastActiveAt, ...rest } = (await response.json()) as Record<string, unknown>;
  assert.deepEqual(rest, {
    id: guest.id,
    ws_uri: `localhost:${new URL(gateway.controlUrl).port}/${guest.id}`,
    path: '/chat/a%20b',
    tags: { room: 'blue' },
    remote_address: '127.0.0.1',
    subprotocol: null,
    node: 'node-1',
  });
  const times = [connectedAt, lastActiveAt].map((value) => Date.parse(String(value)));
  for (const time of times) assert.ok(time >= before - 5 && time <= Date.now() + 5);
  guest.ws.send('active');
  await backend.calls.first(({ text }) => text === 'active');
  const later = (await (await fetch(guest.command())).json()) as Record<string, string>;
  assert.ok(Date.parse(later['last_active_at'] ?? '') >= Date.parse(String(lastActiveAt)));
});

const CLOSES: readonly (readonly [what: string, suffix: string, body: string | undefined, code: number, reason: string])[] = [
  ['without a word', '', undefined, 1000, ''],
  ['with a code', '?code=1001', undefined, 1001, ''],
  ['with code and reason in the query', '?code=4001&reason=b%C3%BCe%20now', undefined, 4001, 'büe now'],
  ['with code and reason in a JSON body', '', '{"code":4999,"reason":"bye"}', 4999, 'bye'],
  ['with a reason of 123 bytes', `?code=3000&reason=${'r'.repeat(123)}`, undefined, 3000, 'r'.repeat(123)],
  ['with a code only in the body', '', '{"code":1011}', 1011, ''],
];

for (const [what, suffix, body, code, reason] of CLOSES) {
  test(`DELETE ${what} closes with ${code}, and the close event says the same`, async (t) => {
    const guest = await enter(t, scene);
    const answer = await told(await remove(guest, suffix, body));
    assert.deepEqual([answer.status, answer.code], [200, 'OK']);
    assert.deepEqual(await guest.ended, { code, reason });
    const close = await backend.calls.first(isEvent('close', guest.id));
    assert.equal(close.headers['ws-close-code'], String(code));
    assert.equal((JSON.parse(close.text) as { close_reason: string }).close_reason, reason);
    for (const method of ['PUT', 'DELETE', 'GET']) assert.equal((await fetch(guest.command(), { method })).status, 404);
  });
}

test('a close code or reason that cannot be sent is 400, and the client stays', async (t) => {
  const guest = await enter(t, scene);
  for (const code of ['0', '999', '1002', '1004', '1005', '1006', '1015', '1016', '2999', '5000', 'x', '', '1000.5', '1e3', '-1000']) {
    const answer = await told(await remove(guest, `?code=${code}`));
    assert.deepEqual([code, answer.status, answer.code], [code, 400, 'BAD_REQUEST']);
  }
  for (const body of [
    '{"code":"1006"}',
    '{"code":1006}',
    '{"code":4000.5}',
    '{"code":{}}',
    '[]',
    'null',
    '{"code":',
    '<x/>',
    '{"reason":5}',
    `{"reason":"${'ü'.repeat(62)}"}`,
  ]) {
    const answer = await told(await remove(guest, '', body));
    assert.deepEqual([body, answer.status, answer.code], [body, 400, 'BAD_REQUEST']);
  }
  assert.equal((await remove(guest, `?reason=${'r'.repeat(124)}`)).status, 400);
  assert.equal((await remove(guest, '?code=1000&code=1001')).status, 400);
  assert.equal((await guest.push('still here')).status, 200);
  await guest.frames.first(({ text }) => text === 'still here');
});

test('all close codes that the contract allows are sent', async (t) => {
  for (const code of [1000, 1001, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000]) {
    const guest = await enter(t, scene);
    assert.equal((await remove(guest, `?code=${code}`)).status, 200);
    assert.equal((await guest.ended).code, code);
  }
});

test('an Idempotency-Key seen on that connection repeats the answer and sends nothing', async (t) => {
  const guest = await enter(t, scene);
  const other = await enter(t, scene);
  const key = { 'idempotency-key': 'k-1' };
  const answers = [await guest.push('once', key), await guest.push('twice', key), await guest.push('else', { 'idempotency-key': 'k-2' })];
  for (const answer of answers) assert.deepEqual([answer.status, (await told(answer)).code], [200, 'OK']);
  assert.equal((await other.push('other', key)).status, 200);
  assert.equal((await other.frames.first(() => true)).text, 'other');
  await guest.push('last');
  await guest.frames.first(({ text }) => text === 'last');
  assert.deepEqual(
    guest.frames.all.map(({ text }) => text),
    ['once', 'else', 'last'],
  );
});

test('a push after the client has left is 404', async (t) => {
  const guest = await enter(t, scene);
  guest.ws.terminate();
  await backend.calls.first(isEvent('close', guest.id));
  assert.equal((await guest.push('late')).status, 404);
});
