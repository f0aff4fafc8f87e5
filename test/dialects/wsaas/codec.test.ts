import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allHeadersOf, type BackendCall, type BackendResult } from '../../../src/wire/calls.ts';
import type { CloseEvent, MessageEvent } from '../../../src/core/events.ts';
import { textType, WsaasCodec } from '../../../src/dialects/wsaas/codec.ts';
import { dialectContract } from '../../contracts/dialect.ts';
import { sampleConnection, sampleLimits, sampleRequest } from '../../contracts/samples.ts';

const ID = 'OWNER_0123456789abcdefABCDEF';
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const limits = sampleLimits({ idleTimeoutMs: 30_000, maxMessageBytes: 100 });

function dialectWith(own: Partial<ConstructorParameters<typeof WsaasCodec>[0]> = {}): WsaasCodec {
  return new WsaasCodec({
    backendPath: '/ws?v=1',
    wsUri: (id) => `gateway.test/${encodeURIComponent(id)}`,
    backendHeaders: [],
    limits,
    reply: false,
    ...own,
  });
}

dialectContract('wsaas', (its) => dialectWith({ limits: its }));
dialectContract('wsaas with {id} and replies', (its) => dialectWith({ limits: its, backendPath: '/ws/{id}/x', reply: true }));

const request = sampleRequest({
  path: '/chat/7',
  query: { room: '1', tag: ['a', 'b'] },
  subprotocols: ['v2', 'v1'],
  authorization: 'Bearer token',
  traceparent: TRACE,
  forwarded: ['authorization', 'Bearer token', 'cookie', 'a=b', 'user-agent', 'test'],
});

function connected() {
  const tags = new Map([
    ['room', '1'],
    ['n\u00e4me', 'a b&c'],
  ]);
  return sampleConnection({ ...request, id: ID }).party.with({ tags, data: 'session=9; user=7' });
}

const message = (data: string, isBinary = false): MessageEvent => ({
  type: 'message',
  party: connected(),
  seq: 3,
  data: Buffer.from(data),
  isBinary,
});
const close = (own: Partial<CloseEvent> = {}): CloseEvent => ({
  type: 'close',
  party: connected(),
  seq: 4,
  code: 4001,
  reason: 'so long, \u2603',
  isOrphan: false,
  ...own,
});

/** Method, path, headers in the order of their names, body. */
function wire(call: BackendCall): unknown[] {
  const { profile, path, body } = call;
  const headers = allHeadersOf(call);
  const pairs: string[] = [];
  for (let index = 0; index < headers.length; index += 2) pairs.push(`${headers[index]}: ${headers[index + 1]}`);
  return [profile.method, path, pairs.toSorted(), body === null ? null : body.toString()];
}

/** The trace is the client's; the span follows from the key (tested in core/trace.test.ts). */
const trace = (seq: string): string =>
  `traceparent: 00-0af7651916cd43dd8448eb211c80319c-${Buffer.from(ID, 'base64url').toString('hex').slice(32, 40).padEnd(8, '1')}${seq}-01`;

test('open on the wire', () => {
  const event = { type: 'open', party: sampleConnection({ ...request, id: ID }).party, request } as const;
  assert.deepEqual(wire(dialectWith({ backendHeaders: ['x-api-key', 'secret'] }).encodeOpen(event)), [
    'POST',
    '/ws?v=1',
    [
      'accept-encoding: identity',
      'authorization: Bearer token',
      'content-type: application/json',
      'cookie: a=b',
      trace('00000000'),
      'user-agent: test',
      `ws-connection: ${ID}`,
      'ws-event: open',
      `ws-event-id: ${ID}.0`,
      'ws-seq: 0',
      `ws-uri: gateway.test/${ID}`,
      'x-api-key: secret',
    ].toSorted(),
    `{"code":"NEW_CONNECTION","ws_uri":"gateway.test/${ID}","timeout":30000,"id":"${ID}","path":"/chat/7","query":{"room":"1","tag":["a","b"]},"subprotocols":["v2","v1"],"remote_address":"192.0.2.1"}`,
  ]);
});

test('a message on the wire', () => {
  assert.deepEqual(wire(dialectWith().encodeMessage(message('hello'))), [
    'PUT',
    '/ws?v=1',
    [
      'accept-encoding: identity',
      'authorization: Bearer token',
      'content-type: text/plain; charset=utf-8',
      trace('00000003'),
      `ws-connection: ${ID}`,
      'ws-data: session=9; user=7',
      `ws-event-id: ${ID}.3`,
      'ws-event: message',
      'ws-seq: 3',
      'ws-tags: room=1&n%C3%A4me=a+b%26c',
      `ws-uri: gateway.test/${ID}`,
    ].toSorted(),
    'hello',
  ]);
});

test('close on the wire', () => {
  assert.deepEqual(wire(dialectWith().encodeClose(close())), [
    'DELETE',
    '/ws?v=1',
    [
      'accept-encoding: identity',
      'authorization: Bearer token',
      'content-type: application/json',
      trace('00000004'),
      'ws-close-code: 4001',
      'ws-close-reason: so%20long%2C%20%E2%98%83',
      `ws-connection: ${ID}`,
      'ws-data: session=9; user=7',
      `ws-event-id: ${ID}.close`,
      'ws-event: close',
      'ws-seq: 4',
      'ws-tags: room=1&n%C3%A4me=a+b%26c',
      `ws-uri: gateway.test/${ID}`,
    ].toSorted(),
    `{"code":"CONNECTION_CLOSE","ws_uri":"gateway.test/${ID}","id":"${ID}","close_code":4001,"close_reason":"so long, \u2603"}`,
  ]);
});

test("an orphan's close says so, and has no sequence number", () => {
  const [, , headers] = wire(dialectWith().encodeClose(close({ isOrphan: true, seq: null, code: 1006, reason: '' })));
  assert.ok((headers as string[]).includes('ws-orphan: true'));
  assert.ok(!(headers as string[]).some((line) => line.startsWith('ws-seq')));
});

test('who sent no credentials has none sent, and no empty headers', () => {
  const connection = sampleConnection({ id: ID });
  const headers = allHeadersOf(dialectWith().encodeMessage({ ...message('x'), party: connection.party }));
  for (const name of ['authorization', 'ws-tags', 'ws-data']) assert.ok(!headers.includes(name), name);
});

test('{id} in the path is the id, percent-encoded', () => {
  const connection = sampleConnection({ id: 'a/b ?' });
  assert.equal(
    dialectWith({ backendPath: '/c/{id}?id={id}' }).encodeMessage({ ...message('x'), party: connection.party }).path,
    '/c/a%2Fb%20%3F?id=a%2Fb%20%3F',
  );
});

test('a text that starts and ends as an object or array is JSON, any other is text', () => {
  const json = ['{}', '[]', ' {"a":1} ', '\r\n\t[1]\n', '{not json}'];
  const plain = ['', ' ', '{', '[', '}', 'x', '{]', '"a"', '12', 'null', '\u00a0{}', '{} x'];
  for (const text of json) assert.equal(textType(Buffer.from(text)), 'application/json', text);
  for (const text of plain) assert.equal(textType(Buffer.from(text)), 'text/plain; charset=utf-8', text);
  assert.ok(dialectWith().encodeMessage(message('{}', true)).headers.includes('application/octet-stream'));
});

function answer(status: number, body = '', headers: Record<string, string> = {}): BackendResult {
  return { type: 'answer', status, headers, body: Buffer.from(body) };
}
const failure = (reason: 'timeout' | 'unreachable'): BackendResult => ({ type: 'failure', reason, wasSent: true, detail: '' });

test('the verdict of open: accepted if and only if 2xx and code OK', () => {
  const event = { type: 'open', party: sampleConnection(request).party, request } as const;
  const statusOf = (result: BackendResult): unknown => {
    const verdict = dialectWith().decodeOpen(event, result);
    return verdict.type === 'accepted' ? 'accepted' : [verdict.status, verdict.code, verdict.wasAccepted ?? false];
  };
  assert.equal(statusOf(answer(200, '{"code":"OK"}')), 'accepted');
  assert.equal(statusOf(answer(204, '{"code":"OK"}')), 'accepted');
  assert.deepEqual(statusOf(answer(200, '{"code":"NO_ROOM"}')), [403, 'NO_ROOM', false]);
  assert.deepEqual(statusOf(answer(401, '{"code":"WHO"}')), [401, 'WHO', false]);
  assert.deepEqual(statusOf(answer(404, '<html>')), [404, 'REFUSED', false]);
  for (const result of [answer(302, '{"code":"OK"}'), answer(500), answer(200, 'OK'), answer(200), failure('unreachable')])
    assert.deepEqual(statusOf(result), [502, 'BAD_GATEWAY', false]);
  assert.deepEqual(statusOf(failure('timeout')), [504, 'GATEWAY_TIMEOUT', false]);
  for (const mistake of [
    '"tags":{"a":1}',
    '"data":"\u00e9"',
    '"subprotocol":"v3"',
    '"message":7',
    '"headers":{"Host":"x"}',
    `"message":"${'x'.repeat(101)}"`,
  ])
    assert.deepEqual(statusOf(answer(200, `{"code":"OK",${mistake}}`)), [502, 'BAD_GATEWAY', true], mistake);
});

test('the verdict of open brings all that the backend gave', () => {
  const event = { type: 'open', party: sampleConnection(request).party, request } as const;
  const body =
    '{"code":"OK","tags":{"room":"1","none":""},"data":"d","subprotocol":"v1","message":"hi","headers":{"Set-Cookie":["a=1","b=2"],"X-A":"1"}}';
  assert.deepEqual(dialectWith().decodeOpen(event, answer(200, body)), {
    type: 'accepted',
    tags: new Map([['room', '1']]),
    data: 'd',
    subprotocol: 'v1',
    message: { data: Buffer.from('hi'), isBinary: false },
    headers: [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['X-A', '1'],
    ],
  });
});

test('the verdict of a message: 502, 503, 504 and failures are retried, all else is delivered', () => {
  for (const status of [200, 204, 301, 400, 404, 429, 500, 501, 505])
    assert.equal(dialectWith().decodeMessage(message('x'), answer(status)).type, 'delivered', String(status));
  for (const status of [502, 503, 504])
    assert.equal(dialectWith().decodeMessage(message('x'), answer(status)).type, 'retry', String(status));
  for (const reason of ['timeout', 'unreachable'] as const)
    assert.equal(dialectWith().decodeMessage(message('x'), failure(reason)).type, 'retry');
});

test('with replies on, a 2xx body goes back; binary as octets, else text that is UTF-8', () => {
  const replyTo = (result: BackendResult): unknown => {
    const verdict = dialectWith({ reply: true }).decodeMessage(message('x'), result);
    return verdict.type === 'delivered' && verdict.reply !== null ? [verdict.reply.data.toString('latin1'), verdict.reply.isBinary] : null;
  };
  assert.deepEqual(replyTo(answer(200, 'hi')), ['hi', false]);
  assert.deepEqual(replyTo(answer(200, 'hi', { 'content-type': 'application/octet-stream' })), ['hi', true]);
  assert.equal(replyTo(answer(200)), null);
  assert.equal(replyTo(answer(404, 'hi')), null);
  assert.equal(replyTo({ type: 'answer', status: 200, headers: {}, body: Buffer.from([0xff]) }), null);
  const off = dialectWith().decodeMessage(message('x'), answer(200, 'hi'));
  assert.equal(off.type === 'delivered' && off.reply, null);
});

test('the verdict of close: 2xx, 404 and 410 acknowledge, all else is retried', () => {
  for (const status of [200, 204, 404, 410])
    assert.equal(dialectWith().decodeClose(close(), answer(status)).type, 'delivered', String(status));
  for (const status of [301, 400, 401, 500, 503])
    assert.equal(dialectWith().decodeClose(close(), answer(status)).type, 'retry', String(status));
});
