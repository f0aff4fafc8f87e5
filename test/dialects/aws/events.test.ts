import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MessageIds, requestIdsOf, requestTimeOf } from '../../../src/dialects/aws/request-ids.ts';
import { ended, opened, payloadOf, sampleAwsCodec, sent } from './samples.ts';

type Json = Record<string, unknown>;

/** Events of AWS as its documentation and captures show them, with values of our own. */
const IDS = { extendedRequestId: 'Ab3dEf5hIj7lMnM=', requestId: 'Ab3dEf5hIj7lMnM=' };
const CONTEXT = {
  ...IDS,
  requestTime: '09/Feb/2026:18:11:43 +0000',
  messageDirection: 'IN',
  stage: 'prod',
  connectedAt: 1_770_660_703_419,
  requestTimeEpoch: 1_770_660_703_420,
  identity: { sourceIp: '192.0.2.7', userAgent: 'x/1' },
  domainName: 'gw.example.com',
  connectionId: 'Zz9yXw7vUt5sRqQ=',
  apiId: 'chat000001',
};
const SAMPLES = {
  connect: {
    headers: {
      Host: 'gw.example.com',
      Origin: 'https://app.example.com',
      'Sec-WebSocket-Key': '...',
      'Sec-WebSocket-Version': '13',
      'X-Amzn-Trace-Id': 'Root=1-...',
      'X-Forwarded-For': '192.0.2.7',
      'X-Forwarded-Port': '443',
      'X-Forwarded-Proto': 'https',
    },
    multiValueHeaders: {
      Host: ['gw.example.com'],
      Origin: ['https://app.example.com'],
      'Sec-WebSocket-Key': ['...'],
      'Sec-WebSocket-Version': ['13'],
      'X-Amzn-Trace-Id': ['Root=1-...'],
      'X-Forwarded-For': ['192.0.2.7'],
      'X-Forwarded-Port': ['443'],
      'X-Forwarded-Proto': ['https'],
    },
    queryStringParameters: { room: 'b' },
    multiValueQueryStringParameters: { room: ['a', 'b'] },
    requestContext: { ...CONTEXT, routeKey: '$connect', eventType: 'CONNECT' },
    isBase64Encoded: false,
  },
  message: {
    requestContext: { ...CONTEXT, routeKey: 'sendmessage', messageId: 'Mm1nBb2vCc3xZz4=', eventType: 'MESSAGE' },
    body: '{"action":"sendmessage","data":"hi"}',
    isBase64Encoded: false,
  },
  disconnect: {
    headers: { Host: 'gw.example.com', 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' },
    multiValueHeaders: { Host: ['gw.example.com'], 'x-api-key': [''], 'X-Forwarded-For': [''], 'x-restapi': [''] },
    requestContext: {
      ...CONTEXT,
      routeKey: '$disconnect',
      disconnectStatusCode: 1005,
      eventType: 'DISCONNECT',
      disconnectReason: 'Client-side close frame status not set',
    },
    isBase64Encoded: false,
  },
};

const codec = sampleAwsCodec();
const EVENTS = {
  connect: payloadOf(codec.encodeOpen(opened(), null)),
  message: payloadOf(codec.encodeMessage(sent('{"action":"sendmessage","data":"hi"}'))),
  disconnect: payloadOf(codec.encodeClose(ended())),
};

/** Ids and keys are anybody's; everything else is compared. */
const ANY_VALUE = new Set(['requestId', 'extendedRequestId', 'messageId', 'Sec-WebSocket-Key', 'X-Amzn-Trace-Id']);

function compare(ours: unknown, theirs: unknown, path: string): string[] {
  if (typeof theirs !== 'object' || theirs === null) return ours === theirs ? [] : [`${path}: ${String(ours)} for ${String(theirs)}`];
  const names = new Set([...Object.keys(theirs), ...Object.keys(Object(ours) as object)]);
  return [...names].flatMap((name) => {
    const [a, b] = [(ours as Json)[name], (theirs as Json)[name]];
    if ((a === undefined) !== (b === undefined)) return [`${path}.${name} is ${a === undefined ? 'missing' : 'too much'}`];
    return ANY_VALUE.has(name) && typeof a === typeof b ? [] : compare(a, b, `${path}.${name}`);
  });
}

for (const name of ['connect', 'message', 'disconnect'] as const) {
  test(`the event of ${name} is AWS's own, field by field, but for the extra key callbackUrl`, () => {
    assert.deepEqual(compare(JSON.parse(EVENTS[name]), SAMPLES[name], name), [`${name}.requestContext.callbackUrl is too much`]);
  });

  test(`the event of ${name} is that of its golden file`, () => {
    const file = fileURLToPath(new URL(`golden/${name}.json`, import.meta.url));
    const event = JSON.parse(EVENTS[name]) as Json;
    if (process.env['GOLDEN'] === 'write') writeFileSync(file, `${JSON.stringify(event, null, 2)}\n`);
    assert.deepEqual(event, JSON.parse(readFileSync(file, 'utf8')));
  });
}

const contextOf = (payload: string) => (JSON.parse(payload) as { requestContext: Json }).requestContext;

test('requestId and extendedRequestId are equal, unique per event and the same at a repetition; messageId is another', () => {
  const contexts = [
    contextOf(EVENTS.connect),
    contextOf(EVENTS.message),
    contextOf(payloadOf(codec.encodeMessage(sent('{}', { seq: 2 })))),
    contextOf(EVENTS.disconnect),
  ];
  for (const { requestId, extendedRequestId } of contexts) {
    assert.equal(requestId, extendedRequestId);
    assert.match(String(requestId), /^[\w-]{15}=$/);
  }
  assert.equal(new Set(contexts.map(({ requestId }) => requestId)).size, contexts.length);
  assert.notEqual(contexts[1]?.['messageId'], contexts[1]?.['requestId']);
  assert.deepEqual(requestIdsOf('a'), requestIdsOf('a'));
});

test('the ids of a connection’s messages are all different, and look alike to nobody', () => {
  const [own, others] = [new MessageIds('PWHRF_Lq74A9u_I='), new MessageIds('PWHRF_Lq74A9u_J=')];
  const seen = new Set<string>();
  for (let seq = 1; seq <= 20_000; seq += 1)
    for (const { requestId, messageId } of [own.of(seq), others.of(seq)]) {
      assert.match(requestId, /^[\w-]{15}=$/);
      seen.add(requestId).add(messageId);
    }
  assert.equal(seen.size, 80_000);
  assert.deepEqual(own.of(7), new MessageIds('PWHRF_Lq74A9u_I=').of(7));
});

test('times are in UTC, in English, with two digits', () => {
  assert.equal(requestTimeOf(Date.UTC(2024, 0, 20, 11, 55, 0, 999)), '20/Jan/2024:11:55:00 +0000');
  assert.equal(requestTimeOf(Date.UTC(2025, 11, 1, 0, 5, 9)), '01/Dec/2025:00:05:09 +0000');
});

test('what AWS leaves out is absent: no query, no user agent, no stage variables', () => {
  const data = JSON.stringify({ connectedAt: 1, sourceIp: '192.0.2.7', userAgent: null, authorizer: null });
  const event = JSON.parse(payloadOf(codec.encodeOpen(opened({ query: {}, data }), null))) as Json;
  for (const name of ['queryStringParameters', 'multiValueQueryStringParameters', 'stageVariables', 'body'])
    assert.ok(!(name in event), name);
  assert.deepEqual((event['requestContext'] as Json)['identity'], { sourceIp: '192.0.2.7' });
});

test('stage variables and the authorizer’s context are in every event', () => {
  const own = sampleAwsCodec({ stageVariables: { table: 'chat' } });
  const allowed = { type: 'allowed', principalId: 'ann', context: { admin: 'true' }, latencyMs: 7, expiresAt: null } as const;
  const verdict = own.decodeOpen(opened(), allowed, { type: 'returned', payload: Buffer.from('{"statusCode":200}') });
  assert.ok(verdict.type === 'accepted');
  const party = opened().party.with({ data: verdict.data });
  const wanted = { admin: 'true', principalId: 'ann', integrationLatency: 7 };
  for (const payload of [
    payloadOf(own.encodeOpen(opened(), allowed)),
    payloadOf(own.encodeMessage(sent('x', { party }))),
    payloadOf(own.encodeClose(ended({ party }))),
  ]) {
    assert.deepEqual((JSON.parse(payload) as Json)['stageVariables'], { table: 'chat' });
    assert.deepEqual(contextOf(payload)['authorizer'], wanted);
  }
});

test('headers keep the client’s spelling, the last of several counts, and nobody forges where he comes from', () => {
  const rawHeaders = ['hOsT', 'x', 'x-a', '1', 'X-A', '2', 'X-Forwarded-For', '6.6.6.6', 'x-forwarded-proto', 'https', '__proto__', 'p'];
  const request = opened({ rawHeaders: [...rawHeaders, 'content-length', '0'], isEncrypted: false });
  const { headers, multiValueHeaders } = JSON.parse(payloadOf(codec.encodeOpen(request, null))) as Record<string, Json>;
  assert.equal(headers?.['hOsT'], 'x');
  assert.equal(headers?.['x-a'], '2');
  assert.deepEqual(multiValueHeaders?.['x-a'], ['1', '2']);
  assert.equal(headers?.['X-Forwarded-For'], '192.0.2.7');
  assert.equal(headers?.['X-Forwarded-Proto'], 'http');
  assert.equal(headers?.['X-Forwarded-Port'], '80');
  assert.ok(Object.hasOwn(headers ?? {}, '__proto__'));
  assert.ok(!Object.keys(headers ?? {}).some((name) => /^(content-length|connection|upgrade)$/i.test(name)));
});

test('a binary message is base64 and says so; the text of others is as it came', () => {
  const binary = JSON.parse(payloadOf(codec.encodeMessage(sent(Buffer.from([0, 255]), { isBinary: true })))) as Json;
  assert.deepEqual([binary['body'], binary['isBase64Encoded']], ['AP8=', true]);
  for (const text of ['', ' {"a" : 1} ', '\u2028"\\\n', 'ünï☃']) {
    const event = JSON.parse(payloadOf(codec.encodeMessage(sent(text)))) as Json;
    assert.deepEqual([event['body'], event['isBase64Encoded']], [text, false]);
  }
});

/** Code and reason as the event tells them. */
function toldEnd(code: number, reason: string): unknown[] {
  const { disconnectStatusCode, disconnectReason } = contextOf(payloadOf(codec.encodeClose(ended({ code, reason }))));
  return [disconnectStatusCode, disconnectReason];
}

test('ends are told in AWS’s words', () => {
  assert.deepEqual(toldEnd(1005, ''), [1005, 'Client-side close frame status not set']);
  assert.deepEqual(toldEnd(1001, ''), [1001, '']);
  assert.deepEqual(toldEnd(1001, 'going away'), [1001, 'Going away']);
  assert.deepEqual(toldEnd(1006, 'ping timeout'), [1001, 'Going away']);
  assert.deepEqual(toldEnd(1000, 'Connection Closed Normally'), [1000, 'Connection Closed Normally']);
  assert.deepEqual(toldEnd(4001, 'mine'), [4001, 'mine']);
  assert.deepEqual(toldEnd(1006, ''), [1006, '']);
});

test('what the ledger kept of a client of an earlier version does no harm', () => {
  for (const data of [null, '', 'null', '[]', '{"connectedAt":"x","sourceIp":5,"authorizer":1}']) {
    const { connectedAt, identity } = contextOf(payloadOf(codec.encodeClose(ended({ party: opened().party.with({ data }) }))));
    assert.deepEqual([connectedAt, identity], [0, { sourceIp: '' }]);
  }
});

test('without a domainName the events name the control API’s host, never what a client calls the gateway', () => {
  const own = sampleAwsCodec({ domainName: undefined as never });
  const context = contextOf(payloadOf(own.encodeOpen(opened({ rawHeaders: ['Host', 'evil.example.com'] }), null)));
  assert.equal(context['domainName'], 'gateway.test');
  assert.equal(context['callbackUrl'], 'http://gateway.test/prod');
  const overTls = sampleAwsCodec({ domainName: undefined as never }, { isEncrypted: true });
  assert.equal(contextOf(payloadOf(overTls.encodeOpen(opened(), null)))['callbackUrl'], 'https://gateway.test/prod');
});
