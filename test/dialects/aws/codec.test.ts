import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { WebhookCodec } from '../../../src/backends/functions/webhook.ts';
import type { AwsCodec, Step } from '../../../src/dialects/aws/codec.ts';
import type { AwsRouteSpec } from '../../../src/dialects/aws/schemas.ts';
import type { BackendAnswer, BackendFailure } from '../../../src/wire/calls.ts';
import type { Codec } from '../../../src/wire/codec.ts';
import type { FunctionResult } from '../../../src/wire/functions.ts';
import { dialectContract } from '../../contracts/dialect.ts';
import { sampleLimits } from '../../contracts/samples.ts';
import { CONNECTION_ID, ended, opened, sampleAwsCodec, sent } from './samples.ts';

type Call = Extract<Step<never>, { type: 'call' }>;

function callOf(step: Step<unknown>): Call {
  if (step.type !== 'call') assert.fail('nothing is called');
  return step;
}

/** The dialect as a webhook sees it: a codec over HTTP like those of the other dialects. */
function overWebhook(codec: AwsCodec, answer: 'http' | 'envelope'): Codec {
  const webhook = new WebhookCodec({ type: 'webhook', url: 'https://api.example.com/ws?v=1', answer, headers: ['x-key', 'secret'] });
  return {
    encodeOpen: (event) => webhook.encode(callOf(codec.encodeOpen(event, null)).call),
    decodeOpen: (event, result) => codec.decodeOpen(event, null, webhook.decode(result)),
    encodeMessage: (event) => webhook.encode(callOf(codec.encodeMessage(event)).call),
    decodeMessage: (event, result) => codec.decodeMessage(event, callOf(codec.encodeMessage(event)), webhook.decode(result)),
    encodeClose: (event) => webhook.encode(callOf(codec.encodeClose(event)).call),
    decodeClose: (event, result) => codec.decodeClose(event, webhook.decode(result)),
  };
}

for (const answer of ['http', 'envelope'] as const)
  dialectContract(`aws over webhooks that answer by ${answer}`, (limits) => overWebhook(sampleAwsCodec({}, { limits }), answer), {
    lowestRefusal: 300,
  });

const returned = (value: unknown): FunctionResult => ({
  type: 'returned',
  payload: Buffer.from(value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)),
});
const answered = (own: Partial<BackendAnswer>): FunctionResult => ({
  type: 'answered',
  answer: { type: 'answer', status: 200, headers: {}, body: Buffer.alloc(0), ...own },
});
const failure = (reason: BackendFailure['reason'], wasSent = true): FunctionResult => ({ type: 'failure', reason, wasSent, detail: 'x' });
const THREW: FunctionResult = { type: 'threw', errorType: 'TypeError', message: 'x is not a function' };

suite('the verdict of $connect', () => {
  const codec = sampleAwsCodec();
  const verdict = (result: FunctionResult) => codec.decodeOpen(opened({ subprotocols: ['v2', 'v1'] }), null, result);
  const statusOf = (result: FunctionResult) => {
    const decoded = verdict(result);
    return decoded.type === 'accepted' ? 101 : decoded.status;
  };
  const TABLE: readonly (readonly [name: string, result: FunctionResult, status: number])[] = [
    ['200', returned({ statusCode: 200 }), 101],
    ['204 as text', returned({ statusCode: '204' }), 101],
    ['299', returned({ statusCode: 299 }), 101],
    ['400', returned({ statusCode: 400 }), 400],
    ['418', returned({ statusCode: 418 }), 418],
    ['302', returned({ statusCode: 302 }), 302],
    ['500', returned({ statusCode: 500 }), 500],
    ['199', returned({ statusCode: 199 }), 502],
    ['a status that is none', returned({ statusCode: 1_000 }), 502],
    ['a status that is no number', returned({ statusCode: 'ok' }), 502],
    ['no status', returned({}), 502],
    ['null', returned(null), 502],
    ['nothing', returned(undefined), 502],
    ['a text', returned('"ok"'), 502],
    ['a list', returned([]), 502],
    ['no JSON', returned('<html>'), 502],
    ['a body that is an object', returned({ statusCode: 200, body: {} }), 502],
    ['headers that are no texts', returned({ statusCode: 200, headers: { a: {} } }), 502],
    ['an exception', THREW, 502],
    ['a time-out', failure('timeout'), 504],
    ['no connection', failure('unreachable', false), 502],
    ['an answer of 6 MB', failure('too-long'), 502],
    ['HTTP 204', answered({ status: 204 }), 101],
    ['HTTP 401', answered({ status: 401 }), 401],
    ['HTTP 503', answered({ status: 503 }), 503],
  ];
  for (const [name, result, status] of TABLE) test(`${name} is ${status}`, () => assert.equal(statusOf(result), status));

  test('a refusal tells message, connection and request in AWS’s form, or the function’s own body and safe headers', () => {
    const plain = verdict(returned({ statusCode: 403 }));
    assert.ok(plain.type === 'refused' && plain.body !== undefined);
    const told = JSON.parse(String(plain.body.data)) as Record<string, string>;
    assert.deepEqual(Object.keys(told), ['message', 'connectionId', 'requestId']);
    assert.deepEqual([told['message'], told['connectionId']], ['Forbidden', CONNECTION_ID]);
    const headers = { 'Content-Type': 'text/plain', 'X-Why': 'no', Connection: 'keep-alive', 'Content-Length': '1', Bad: 'a\r\nb' };
    const own = verdict(returned({ statusCode: 401, headers, body: 'go away' }));
    assert.ok(own.type === 'refused');
    assert.deepEqual(own.body, { contentType: 'text/plain', data: Buffer.from('go away') });
    assert.deepEqual(own.headers, { 'x-why': 'no', 'www-authenticate': 'Bearer' });
  });

  const chosen = (headers: object) => {
    const decoded = verdict(returned({ statusCode: 200, headers }));
    return decoded.type === 'accepted' ? decoded.subprotocol : 'refused';
  };

  test('the subprotocol is the function’s, by a header in any case, and one that was offered', () => {
    assert.equal(chosen({ 'Sec-WebSocket-Protocol': 'v1' }), 'v1');
    assert.equal(chosen({ 'sec-websocket-PROTOCOL': 'v2' }), 'v2');
    assert.equal(chosen({ 'Sec-WebSocket-Protocol': 'v3' }), null);
    assert.equal(chosen({}), null);
  });

  test('cookies and headers of one’s own go on the 101, tags to the connection', () => {
    const decoded = verdict(
      returned({
        statusCode: 200,
        headers: { 'X-A': '1', Server: 'x', 'WS-Set-Tags': 'room=1' },
        multiValueHeaders: { 'Set-Cookie': ['a=1', 'b=2'] },
      }),
    );
    assert.ok(decoded.type === 'accepted');
    assert.deepEqual(decoded.headers, [
      ['x-a', '1'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ]);
    assert.equal(decoded.tags?.get('room'), '1');
  });
});

const INTERNAL = { message: 'Internal server error' };

/** What its sender gets, and whether it was held. */
const told = (result: FunctionResult, own: { readonly spec?: AwsRouteSpec; readonly text?: string } = {}) => {
  const codec = sampleAwsCodec(own.spec);
  const event = sent(own.text ?? '{"action":"sendmessage"}');
  const verdict = codec.decodeMessage(event, callOf(codec.encodeMessage(event)), result);
  if (verdict.type === 'retry') return { held: JSON.parse(String(verdict.lastWord?.data)) as { message: string } };
  assert.equal(verdict.type, 'delivered');
  if (verdict.reply === null) return null;
  const { data, isBinary } = verdict.reply;
  if (isBinary) return data;
  try {
    return JSON.parse(data.toString()) as { message: string; connectionId: string; requestId: string };
  } catch {
    return data.toString();
  }
};

const messageOf = (frame: ReturnType<typeof told>) =>
  frame !== null && typeof frame === 'object' && 'message' in frame ? { message: frame.message } : frame;

suite('the verdict of a message', () => {
  const ONE_WAY = { text: 'to $default' };

  const TABLE: readonly (readonly [name: string, result: FunctionResult, twoWay: unknown, oneWay: unknown])[] = [
    ['a body', returned({ statusCode: 200, body: 'hello' }), 'hello', null],
    ['an empty body', returned({ statusCode: 200, body: '' }), null, null],
    ['no body', returned({ statusCode: 200 }), null, null],
    ['status 500 with a body', returned({ statusCode: 500, body: 'sorry' }), 'sorry', null],
    ['base64', returned({ statusCode: 200, body: 'AP8=', isBase64Encoded: true }), Buffer.from([0, 255]), null],
    ['null', returned(null), INTERNAL, null],
    ['nothing', returned(undefined), INTERNAL, null],
    ['a text', returned('"ok"'), INTERNAL, INTERNAL],
    ['no JSON', returned('<html>'), INTERNAL, INTERNAL],
    ['a body that is an object', returned({ statusCode: 200, body: { a: 1 } }), INTERNAL, INTERNAL],
    ['an exception', THREW, INTERNAL, INTERNAL],
    ['an answer of 6 MB', failure('too-long'), INTERNAL, INTERNAL],
    ['a reset', failure('reset'), INTERNAL, INTERNAL],
    ['a time-out', failure('timeout'), { message: 'Endpoint request timed out' }, { message: 'Endpoint request timed out' }],
    ['HTTP with a body', answered({ body: Buffer.from('hello') }), 'hello', null],
    ['HTTP 404 with a body', answered({ status: 404, body: Buffer.from('what?') }), 'what?', null],
    ['HTTP 500', answered({ status: 500, body: Buffer.from('oops') }), INTERNAL, INTERNAL],
    [
      'HTTP bytes',
      answered({ headers: { 'content-type': 'application/octet-stream' }, body: Buffer.from([0, 255]) }),
      Buffer.from([0, 255]),
      null,
    ],
    ['HTTP text that is none', answered({ body: Buffer.from([0xff]) }), INTERNAL, null],
    ['HTTP that is encoded', answered({ headers: { 'content-encoding': 'gzip' }, body: Buffer.from('x') }), INTERNAL, null],
  ];
  for (const [name, result, twoWay, oneWay] of TABLE) {
    test(`${name}, with a route response`, () => assert.deepEqual(messageOf(told(result)), twoWay));
    test(`${name}, without`, () => assert.deepEqual(messageOf(told(result, ONE_WAY)), oneWay));
  }

  test('a frame of the gateway has AWS’s keys and AWS’s spaces', () => {
    const codec = sampleAwsCodec();
    const event = sent('x');
    const verdict = codec.decodeMessage(event, callOf(codec.encodeMessage(event)), THREW);
    const text = verdict.type === 'delivered' ? String(verdict.reply?.data) : '';
    assert.match(text, /^\{"message": "Internal server error", "connectionId":"Zz9yXw7vUt5sRqQ=", "requestId":"[\w-]{15}="\}$/);
    const { requestId } = JSON.parse(text) as { requestId: string };
    assert.equal(requestId, callOf(codec.encodeMessage(event)).call.requestId);
  });

  test('no route and no $default is Forbidden, and nobody is called', () => {
    const codec = sampleAwsCodec({ routes: { join: { target: { type: 'mock' } } } });
    for (const text of ['{"action":"leave"}', '{"action":"$connect"}', 'no JSON']) {
      const step = codec.encodeMessage(sent(text));
      assert.ok(step.type === 'settled' && step.verdict.type === 'delivered');
      assert.equal((JSON.parse(String(step.verdict.reply?.data)) as { message: string }).message, 'Forbidden');
    }
  });

  test('what did not reach the function is held, and its sender told when its time is over; strict tells at once', () => {
    assert.deepEqual(told(failure('unreachable', false)), { held: { ...INTERNAL, ...idsOf() } });
    assert.deepEqual(told(answered({ status: 503 })), { held: { ...INTERNAL, ...idsOf() } });
    assert.deepEqual(messageOf(told(failure('unreachable', false), { spec: { strict: true } })), INTERNAL);
    assert.deepEqual(messageOf(told(answered({ status: 503 }), { spec: { strict: true } })), INTERNAL);
  });

  test('a wait that the function asks for is kept', () => {
    const codec = sampleAwsCodec();
    const event = sent('x');
    const away = answered({ status: 503, headers: { 'retry-after': '7' } });
    const verdict = codec.decodeMessage(event, callOf(codec.encodeMessage(event)), away);
    assert.equal(verdict.type === 'retry' && verdict.afterMs, 7_000);
  });

  test('with errorFrameFromStatus a bad status is an error', () => {
    const spec = { errorFrameFromStatus: 400 };
    assert.deepEqual(messageOf(told(returned({ statusCode: 400, body: 'sorry' }), { spec })), INTERNAL);
    assert.deepEqual(messageOf(told(returned({ statusCode: 400 }), { spec, ...ONE_WAY })), INTERNAL);
    assert.equal(told(returned({ statusCode: 399, body: 'fine' }), { spec }), 'fine');
  });

  test('tags of a good answer are set, and complaints are told', () => {
    const codec = sampleAwsCodec();
    const event = sent('x');
    const decode = (result: FunctionResult) => codec.decodeMessage(event, callOf(codec.encodeMessage(event)), result);
    const tagged = decode(returned({ statusCode: 200, headers: { 'WS-Set-Tags': 'a=1' } }));
    assert.deepEqual(tagged.type === 'delivered' && tagged.tags, [['a', '1']]);
    const bad = decode(returned({ statusCode: 400 }));
    assert.equal(bad.type === 'delivered' && bad.complaint, 'status 400');
  });
});

function idsOf(): object {
  const { connectionId, requestId } = callOf(sampleAwsCodec().encodeMessage(sent('x'))).call;
  return { connectionId, requestId };
}

const heard = (result: FunctionResult, spec: AwsRouteSpec = {}) => sampleAwsCodec(spec).decodeClose(ended(), result);

suite('the verdict of $disconnect', () => {
  test('a function that has run has been told, whatever it said; one that was not reached is told again', () => {
    for (const result of [
      returned({ statusCode: 500 }),
      returned(undefined),
      returned('<html>'),
      THREW,
      answered({ status: 204 }),
      answered({ status: 410 }),
    ])
      assert.equal(heard(result).type, 'delivered');
    for (const result of [failure('timeout'), failure('unreachable', false), answered({ status: 500 })])
      assert.equal(heard(result).type, 'retry');
  });

  test('with repeatThrown one that failed is told again, not often', () => {
    const spec = { repeatThrown: true };
    for (const result of [THREW, returned({ statusCode: 500 })]) {
      const verdict = heard(result, spec);
      assert.ok(verdict.type === 'retry' && (verdict.afterMs ?? 0) >= 30_000);
    }
    for (const result of [returned({ statusCode: 400 }), returned(undefined)]) assert.equal(heard(result, spec).type, 'delivered');
  });
});

test('of a webhook that answers by envelope another status than 2xx is nothing that its function said', () => {
  const target = { type: 'webhook', url: 'https://api.example.com/ws', answer: 'envelope' } as const;
  const codec = sampleAwsCodec({ target, routes: { $connect: {}, $disconnect: {}, $default: { routeResponse: true } } });
  const lost = answered({ status: 404, body: Buffer.from('<html>no such page</html>') });
  const verdict = codec.decodeOpen(opened(), null, lost);
  assert.equal(verdict.type === 'refused' && verdict.status, 502);
  const event = sent('x');
  const answer = codec.decodeMessage(event, callOf(codec.encodeMessage(event)), lost);
  assert.match(answer.type === 'delivered' ? String(answer.reply?.data) : '', /Internal server error/);
});

test('routes that are not there: nobody is asked, everybody comes in, nothing is told', () => {
  const codec = sampleAwsCodec({ routes: { $default: { target: { type: 'mock' } } } });
  const step = codec.encodeOpen(opened(), null);
  assert.ok(step.type === 'settled' && step.verdict.type === 'accepted');
  assert.equal(step.verdict.data, opened().party.data);
  const close = codec.encodeClose(ended());
  assert.ok(close.type === 'settled' && close.verdict.type === 'delivered');
});

test('a webhook is told what the event is, in headers, and gets the operator’s own', () => {
  const codec = overWebhook(sampleAwsCodec({}, { limits: sampleLimits() }), 'http');
  const { path, headers, profile } = codec.encodeMessage(sent('{"action":"sendmessage"}', { seq: 3 }));
  assert.equal(path, '/ws?v=1');
  assert.equal(profile.method, 'POST');
  const pairs = Object.fromEntries(headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1]]] : [])));
  delete pairs['traceparent'];
  assert.deepEqual(pairs, {
    'content-type': 'application/json',
    'accept-encoding': 'identity',
    'x-key': 'secret',
    'ws-uri': 'gateway.test/Zz9yXw7vUt5sRqQ%3D',
    'ws-connection': 'Zz9yXw7vUt5sRqQ%3D',
    'ws-event': 'message',
    'ws-event-id': 'Zz9yXw7vUt5sRqQ=.3',
    'ws-seq': '3',
    'ws-route': 'sendmessage',
  });
});
