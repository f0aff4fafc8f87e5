import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { allHeadersOf, type BackendCall, type BackendResult } from '../../../src/wire/calls.ts';
import { clientIdProblem } from '../../../src/wire/client-ids.ts';
import type { CloseEvent, MessageEvent, OpenEvent } from '../../../src/core/events.ts';
import { DIALECTS } from '../../../src/dialects/index.ts';
import { RawCodec } from '../../../src/dialects/raw/codec.ts';
import { enterRaw } from '../../../src/dialects/raw/index.ts';
import { dialectContract } from '../../contracts/dialect.ts';
import { sampleConnection, sampleContext, sampleEntry, sampleLimits, sampleRequest } from '../../contracts/samples.ts';

const KEY = 'OWNER_0123456789abcdefABCDEF';
const ID = 'station 7/é';
const SEGMENT = 'station%207%2F%C3%A9';
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const limits = sampleLimits({ openTimeoutMs: 111, backendTimeoutMs: 222 });
const shared = { wsUri: (id: string) => `gateway.test/${encodeURIComponent(id)}`, limits };

const dialect = new RawCodec({ ...shared, backendPath: '/wsoverhttp', backendHeaders: ['x-api-key', 'secret'] });

dialectContract('raw', (its) => new RawCodec({ ...shared, backendPath: '/wsoverhttp', backendHeaders: [], limits: its }));

const request = sampleRequest({
  path: `/${SEGMENT}`,
  clientId: ID,
  authorization: 'Bearer token',
  traceparent: TRACE,
  forwarded: ['authorization', 'Bearer token', 'cookie', 'a=b'],
});
const connected = (id = ID) => sampleConnection({ ...request, id, key: KEY }).party;
const open = (id = ID): OpenEvent => ({ type: 'open', party: connected(id), request });
const message = (data: string | Buffer, own: { id?: string; isBinary?: boolean } = {}): MessageEvent => ({
  type: 'message',
  party: connected(own.id),
  seq: 3,
  data: Buffer.from(data),
  isBinary: own.isBinary ?? false,
});
const close = (own: Partial<CloseEvent> = {}): CloseEvent => ({
  type: 'close',
  party: connected(),
  seq: 4,
  code: 1000,
  reason: '',
  isOrphan: false,
  ...own,
});

/** Method, path, headers in the order of their names but for the trace (tested in core/trace.test.ts), body. */
function wire(call: BackendCall): unknown[] {
  const { profile, path, body } = call;
  const headers = allHeadersOf(call);
  const pairs: string[] = [];
  for (let index = 0; index < headers.length; index += 2)
    if (headers[index] !== 'traceparent') pairs.push(`${headers[index]}: ${headers[index + 1]}`);
  return [profile.method, path, pairs.toSorted(), body === null ? null : body.toString()];
}

const COMMON = [
  'accept-encoding: identity',
  'authorization: Bearer token',
  `ws-connection: ${SEGMENT}`,
  `ws-uri: gateway.test/${SEGMENT}`,
  'x-api-key: secret',
];

test('open on the wire is a GET without a body', () => {
  assert.deepEqual(wire(dialect.encodeOpen(open())), [
    'GET',
    `/wsoverhttp/${SEGMENT}`,
    [...COMMON, 'cookie: a=b', 'ws-event: open', `ws-event-id: ${KEY}.0`, 'ws-seq: 0'].toSorted(),
    null,
  ]);
});

test('a message on the wire is a POST of its bytes, also when there are none', () => {
  const headers = [...COMMON, 'ws-event: message', `ws-event-id: ${KEY}.3`, 'ws-seq: 3'];
  for (const text of ['', 'how are you?', '{"a":1}']) {
    const wanted = [...headers, 'content-type: text/plain; charset=utf-8'].toSorted();
    assert.deepEqual(wire(dialect.encodeMessage(message(text))), ['POST', `/wsoverhttp/${SEGMENT}`, wanted, text]);
  }
  const binary = [...headers, 'content-type: application/octet-stream'].toSorted();
  const bytes = Buffer.from([0, 255]);
  const call = dialect.encodeMessage(message(bytes, { isBinary: true }));
  assert.deepEqual(wire(call), ['POST', `/wsoverhttp/${SEGMENT}`, binary, bytes.toString()]);
  assert.deepEqual(call.body, bytes);
});

test('close on the wire is a DELETE with the reason, or EOF where the connection just dropped', () => {
  const headers = [...COMMON, 'content-type: text/plain; charset=utf-8', 'ws-event: close', `ws-event-id: ${KEY}.close`, 'ws-seq: 4'];
  const closed = (own: Partial<CloseEvent>, ...more: string[]) => {
    const [method, path, sent, body] = wire(dialect.encodeClose(close(own)));
    assert.deepEqual([method, path, sent], ['DELETE', `/wsoverhttp/${SEGMENT}`, [...headers, ...more].toSorted()]);
    return body;
  };
  assert.equal(closed({ reason: 'so long, ☃' }, 'ws-close-code: 1000', 'ws-close-reason: so%20long%2C%20%E2%98%83'), 'so long, ☃');
  assert.equal(closed({ code: 1006 }, 'ws-close-code: 1006', 'ws-close-reason: '), 'EOF');
  assert.equal(closed({ code: 1006, reason: 'ping timeout' }, 'ws-close-code: 1006', 'ws-close-reason: ping%20timeout'), 'ping timeout');
  assert.equal(closed({ code: 1000 }, 'ws-close-code: 1000', 'ws-close-reason: '), '', 'who said goodbye without a reason had none');
});

test('time-outs and what may be repeated', () => {
  const profiles = [dialect.encodeOpen(open()), dialect.encodeMessage(message('x')), dialect.encodeClose(close())].map(
    ({ profile }) => profile,
  );
  assert.deepEqual(
    profiles.map(({ timeoutMs, isIdempotent }) => [timeoutMs, isIdempotent]),
    [
      [111, true],
      [222, false],
      [222, true],
    ],
  );
});

function answer(status: number, body: string | Buffer = '', headers: Record<string, string> = {}): BackendResult {
  return { type: 'answer', status, headers, body: Buffer.from(body) };
}
const failure = (reason: 'timeout' | 'unreachable' | 'reset', wasSent: boolean): BackendResult => ({
  type: 'failure',
  reason,
  wasSent,
  detail: '',
});

const opened = (result: BackendResult): unknown => {
  const { type, ...rest } = dialect.decodeOpen(open(), result);
  return type === 'refused' ? (rest as { status: number }).status : type;
};

test('the verdict of open: 200 and exactly `ok` accepts', () => {
  assert.equal(opened(answer(200, 'ok')), 'accepted');
  for (const body of ['ko', '', 'OK', 'ok\n', ' ok', 'okay', '"ok"']) assert.equal(opened(answer(200, body)), 403, JSON.stringify(body));
  for (const status of [201, 204, 301, 401, 404, 500, 503]) assert.equal(opened(answer(status, 'ok')), 502, String(status));
  assert.equal(opened(failure('unreachable', false)), 502);
  assert.equal(opened(failure('timeout', true)), 504);
});

test('tags of an answer to open or to a message are taken; of an error they are not', () => {
  const tags = { 'ws-set-tags': 'room=1&gone=' };
  const verdict = dialect.decodeOpen(open(), answer(200, 'ok', tags));
  assert.equal(verdict.type === 'accepted' && verdict.tags?.get('room'), '1');
  const took = (status: number) => {
    const verdict = dialect.decodeMessage(message('x'), answer(status, '', tags));
    return verdict.type === 'delivered' ? verdict.tags : null;
  };
  assert.deepEqual(took(204), [
    ['room', '1'],
    ['gone', ''],
  ]);
  assert.ok(!took(404));
});

const taken = (result: BackendResult) => dialect.decodeMessage(message('x'), result).type;

test('the verdict of a message: sent again only if provably unsent or on 503', () => {
  for (const status of [200, 204, 301, 400, 404, 429, 500, 502, 504]) assert.equal(taken(answer(status)), 'delivered', String(status));
  assert.equal(taken(answer(503)), 'retry');
  for (const reason of ['timeout', 'unreachable', 'reset'] as const) {
    assert.equal(taken(failure(reason, false)), 'retry');
    assert.equal(taken(failure(reason, true)), 'delivered', `${reason}: it may have been taken`);
  }
});

const replyTo = (result: BackendResult): unknown => {
  const verdict = dialect.decodeMessage(message('x'), result);
  return verdict.type === 'delivered' && verdict.reply !== null ? [verdict.reply.data.toString('latin1'), verdict.reply.isBinary] : null;
};

test('a 2xx body that is not empty becomes one frame, no other body reaches the client', () => {
  assert.deepEqual(replyTo(answer(200, 'hi')), ['hi', false]);
  assert.deepEqual(replyTo(answer(201, '{}', { 'content-type': 'application/json' })), ['{}', false]);
  assert.deepEqual(replyTo(answer(200, Buffer.from([0xff, 0]), { 'content-type': 'Application/Octet-Stream' })), ['\u00ff\0', true]);
  assert.equal(replyTo(answer(200)), null);
  assert.equal(replyTo(answer(200, Buffer.from([0xff]))), null, 'a text frame must be UTF-8 (RFC 6455 §5.6)');
  for (const status of [301, 400, 404, 500, 502]) assert.equal(replyTo(answer(status, '<html>')), null, String(status));
});

test('the verdict of close: 2xx, 404 and 410 acknowledge, all else is retried', () => {
  for (const status of [200, 204, 404, 410]) assert.equal(dialect.decodeClose(close(), answer(status)).type, 'delivered', String(status));
  for (const status of [301, 400, 401, 500, 503]) assert.equal(dialect.decodeClose(close(), answer(status)).type, 'retry', String(status));
});

/** What a URL is made of, and what may be mistaken for it. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
  fc
    .array(fc.constantFrom(...'/\\?#%&=@:;.+ \t\r\n\0'.split(''), '..', '%2e', '%2F', '//host', 'http://x', 'é', '😀', '\u202e'), {
      minLength: 1,
      maxLength: 8,
    })
    .map((parts) => parts.join('')),
);

test('no client-chosen id can change host, path or query of a backend URL', () => {
  const bases = ['/wsoverhttp', '/wsoverhttp/', '/', '/a/b%20c/', '/ws?key=1', '/ws/?key=a/b'];
  fc.assert(
    fc.property(hostile, fc.constantFrom(...bases), (chosen, base) => {
      const entry = enterRaw(sampleEntry({ parameters: { id: chosen } }));
      assert.equal('type' in entry, clientIdProblem(chosen) !== null);
      if ('type' in entry) return;
      const { speech } = DIALECTS.raw.create(sampleContext({ ...shared, backendPath: base }));
      assert.equal(speech.type, 'http');
      const raw = speech.codec as RawCodec;
      const id = entry.clientId ?? '';
      const calls = [raw.encodeOpen(open(id)), raw.encodeMessage(message('x', { id })), raw.encodeClose(close({ party: connected(id) }))];
      const wanted = new URL(base, 'http://backend.test');
      for (const { path } of calls) {
        const url = new URL(`http://backend.test${path}`);
        assert.deepEqual([url.origin, url.username, url.hash, url.search], [wanted.origin, '', '', wanted.search]);
        const segments = url.pathname.split('/');
        assert.equal(decodeURIComponent(segments.pop() ?? ''), id);
        assert.equal(segments.join('/'), wanted.pathname.replace(/\/$/, ''));
      }
    }),
    { numRuns: 2_000 },
  );
});

const enter = (parameters: Record<string, string>) => {
  const entry = enterRaw(sampleEntry({ parameters }));
  return 'type' in entry ? entry.status : entry.clientId;
};

test('ids that no encoding makes safe are refused: empty, too long, dot segments, words of the control API', () => {
  for (const id of ['', '.', '..', 'send', 'status', '@connections', 'x'.repeat(256), 'é'.repeat(128)])
    assert.equal(enter({ id }), 400, id);
  for (const id of ['...', '%2e%2e', 'Send', 'x'.repeat(255), 'a/..', 'é'.repeat(127)]) assert.equal(enter({ id }), id);
  assert.equal(enter({ tenant: 't', id: 'i' }), 'i', "the pattern's last parameter");
});
