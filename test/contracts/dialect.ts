import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { CloseEvent, MessageEvent, OpenEvent } from '../../src/core/events.ts';
import { allHeadersOf, headerOf, maxAnswerBytes, type BackendCall, type BackendResult } from '../../src/wire/calls.ts';
import type { Codec, LifeCodec } from '../../src/wire/codec.ts';
import { sampleConnection, sampleLimits, sampleRequest, sampleRoute, SAMPLE_ID } from './samples.ts';

fc.configureGlobal({ seed: 1 }); // a failure prints how to find it again; a run finds what the last one found

/** Small, so that arbitrary answers are over them, too. */
const LIMITS = sampleLimits({ maxMessageBytes: 40, openTimeoutMs: 111, backendTimeoutMs: 222 });
const MAX_DATA_BYTES = 4_096;

/** Makes the dialect under test with these limits; a `ws_uri` holds the id percent-encoded. */
export type DialectFactory = (limits: typeof LIMITS) => Codec | LifeCodec;

const text = fc.string({ unit: 'binary', maxLength: 30 });
/** As Node's parser hands it over: no control characters, nothing beyond Latin-1. */
const headerValue = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,30}$/);
const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/);
const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array));
const traceparent = fc.constantFrom(null, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');

const request = fc
  .record({
    path: fc.webPath().map((path) => `/${path.replace(/^\/+/, '')}`),
    query: fc.dictionary(text, fc.oneof(text, fc.array(text, { maxLength: 3 })), { maxKeys: 3 }),
    subprotocols: fc.uniqueArray(token, { maxLength: 3 }),
    remoteAddress: fc.oneof(fc.ipV4(), fc.ipV6()),
    authorization: fc.option(headerValue),
    traceparent,
    forwarded: fc
      .array(
        fc.tuple(
          token.map((name) => `x-${name}`),
          headerValue,
        ),
        { maxLength: 3 },
      )
      .map((pairs) => pairs.flat()),
  })
  .map((own) => sampleRequest(own));

/** Ids of our own making, and those that clients choose: any text, decoded. */
const id = fc.oneof(fc.constant(SAMPLE_ID), fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }));

/** A result as the backend may give it: anything that HTTP can carry, or no answer at all. */
const result: fc.Arbitrary<BackendResult> = fc.oneof(
  fc.record({
    type: fc.constant('failure' as const),
    reason: fc.constantFrom('timeout', 'unreachable', 'reset', 'too-long', 'stopped'),
    wasSent: fc.boolean(),
    detail: text,
  }),
  fc.record({
    type: fc.constant('answer' as const),
    status: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(200, 201, 204) }, fc.integer({ min: 200, max: 599 })),
    headers: fc.dictionary(
      fc.constantFrom('content-type', 'retry-after', 'ws-set-tags', 'x-other'),
      fc.oneof(headerValue, fc.array(headerValue, { maxLength: 2 }), fc.constantFrom('application/octet-stream', 'a=1&=2&b=%zz', '7')),
    ),
    body: fc.oneof(
      bytes,
      fc.constantFrom('', 'ok', '{"code":"OK"}', 'null', '[]', '{', '"OK"').map((body) => Buffer.from(body)),
      fc.json().map((body) => Buffer.from(body)),
      acceptance().map((body) => Buffer.from(JSON.stringify(body))),
    ),
  }),
);

/** Nearly what `wsaas` wants to hear; other dialects find it odd. */
function acceptance() {
  const anything = fc.oneof(text, headerValue, fc.jsonValue(), fc.constant('x'.repeat(MAX_DATA_BYTES + 1)));
  return fc.record(
    {
      code: fc.oneof({ weight: 5, arbitrary: fc.constant('OK') }, anything),
      tags: fc.oneof(fc.dictionary(text, text), anything),
      data: anything,
      subprotocol: fc.oneof(token, anything),
      message: anything,
      headers: fc.oneof(
        fc.dictionary(fc.constantFrom('X-A', 'Set-Cookie', 'x-b', 'Host'), fc.oneof(headerValue, fc.array(headerValue), anything)),
        anything,
      ),
    },
    { requiredKeys: ['code'] },
  );
}

/**
 * What every dialect promises: pure functions that never throw, whatever comes. One with an intake of its own has no messages
 * here. `lowestRefusal`: where a backend's 3xx is no fault of it, but an answer to the client.
 */
export function dialectContract(
  name: string,
  create: DialectFactory,
  { lowestRefusal = 400 }: { readonly lowestRefusal?: number } = {},
): void {
  const dialect = create(LIMITS);
  const opaque = 'encodeMessage' in dialect ? dialect : null;
  const route = sampleRoute({ ...(opaque && { codec: opaque }), limits: LIMITS });
  const encodeMessages = (...events: readonly MessageEvent[]) =>
    opaque === null ? [] : events.map((event) => opaque.encodeMessage(event));
  const party = fc
    .record({
      id,
      request,
      tags: fc.option(fc.array(fc.tuple(text, text), { maxLength: 4 }).map((pairs) => new Map(pairs))),
      data: fc.option(fc.stringMatching(/^[\x20-\x7e]{0,30}$/)),
    })
    .map((own) => {
      const { party: fresh } = sampleConnection({ ...own.request, id: own.id, key: SAMPLE_ID, route });
      return { party: fresh.with({ tags: own.tags, data: own.data }), request: own.request };
    });
  const openEvent: fc.Arbitrary<OpenEvent> = party.map((own) => ({ type: 'open', ...own }));
  const messageEvent: fc.Arbitrary<MessageEvent> = fc
    .record({
      party,
      seq: fc.integer({ min: 1, max: 2 ** 31 }),
      data: fc.oneof(
        bytes,
        text.map((body) => Buffer.from(body)),
      ),
      isBinary: fc.boolean(),
    })
    .map(({ party: { party: sender }, ...own }) => ({ type: 'message', party: sender, ...own }));
  const closeEvent: fc.Arbitrary<CloseEvent> = fc
    .record({
      party,
      seq: fc.option(fc.integer({ min: 1, max: 2 ** 31 })),
      code: fc.integer({ min: 1000, max: 4999 }),
      reason: fc.oneof(text, fc.constant('half a pair \ud800')),
      isOrphan: fc.boolean(),
    })
    .map(({ party: { party: gone }, ...own }) => ({ type: 'close', party: gone, ...own }));

  suite(`dialect ${name}`, () => {
    test('every event becomes a call that HTTP can carry, the same at every retry', () => {
      fc.assert(
        fc.property(openEvent, messageEvent, closeEvent, (open, message, close) => {
          const encode = () => [dialect.encodeOpen(open), ...encodeMessages(message), dialect.encodeClose(close)];
          const calls = encode();
          for (const call of calls) checkForm(call);
          assert.deepEqual(encode(), calls);
        }),
      );
    });

    test('calls keep to the limits of their route', () => {
      fc.assert(
        fc.property(openEvent, messageEvent, closeEvent, (open, message, close) => {
          assert.equal(dialect.encodeOpen(open).profile.timeoutMs, LIMITS.openTimeoutMs);
          const later = [...encodeMessages(message), dialect.encodeClose(close)];
          for (const { profile } of later) assert.equal(profile.timeoutMs, LIMITS.backendTimeoutMs);
          for (const { profile } of [dialect.encodeOpen(open), ...later])
            assert.ok(profile.maxAnswerBytes > 0 && profile.maxAnswerBytes <= maxAnswerBytes(LIMITS));
        }),
        { numRuns: 20 },
      );
    });

    test('each event of a connection has an event id of its own, in every header that tells one', () => {
      fc.assert(
        fc.property(openEvent, fc.integer({ min: 1, max: 1_000_000 }), (open, seq) => {
          const { party: client } = open;
          const message = (number: number): MessageEvent => ({
            type: 'message',
            party: client,
            seq: number,
            data: Buffer.from('x'),
            isBinary: false,
          });
          const close: CloseEvent = { type: 'close', party: client, seq: seq + 2, code: 1000, reason: '', isOrphan: false };
          const calls = [dialect.encodeOpen(open), ...encodeMessages(message(seq), message(seq + 1)), dialect.encodeClose(close)];
          const ids = calls.map((call) => headerOf(call, 'ws-event-id'));
          assert.ok(ids.every((eventId) => eventId === null) || new Set(ids).size === calls.length, ids.join(' '));
          const orphan = dialect.encodeClose({ ...close, seq: null, code: 1006, isOrphan: true });
          assert.equal(headerOf(orphan, 'ws-event-id'), ids.at(-1), 'a close event keeps its id across a crash (G3)');
        }),
      );
    });

    test('any result of open is a verdict, the same each time', () => {
      fc.assert(
        fc.property(openEvent, result, (event, came) => {
          const verdict = dialect.decodeOpen(event, came);
          assert.deepEqual(dialect.decodeOpen(event, came), verdict);
          if (verdict.type === 'refused') {
            assert.ok(verdict.status >= lowestRefusal && verdict.status <= 599, `refused with ${verdict.status}`);
            if (came.type === 'failure') assert.equal(verdict.wasAccepted, undefined);
            return;
          }
          assert.equal(came.type, 'answer');
          assert.ok(verdict.subprotocol === null || event.request.subprotocols.includes(verdict.subprotocol));
          assert.ok(verdict.message === null || verdict.message.data.length <= LIMITS.maxMessageBytes);
          assert.ok(verdict.data === null || (verdict.data.length <= MAX_DATA_BYTES && /^[\x20-\x7e]*$/.test(verdict.data)));
          for (const [header, value] of verdict.headers) checkHeader(header, value);
        }),
        { numRuns: 500 },
      );
    });

    if (opaque !== null)
      test('any result of a message is a verdict, the same each time, and nothing is sent twice that may not be', () => {
        fc.assert(
          fc.property(messageEvent, result, (event, came) => {
            const verdict = opaque.decodeMessage(event, came);
            assert.deepEqual(opaque.decodeMessage(event, came), verdict);
            if (came.type === 'failure') {
              const mayRepeat = opaque.encodeMessage(event).profile.isIdempotent || !came.wasSent;
              assert.equal(verdict.type, mayRepeat ? 'retry' : 'delivered');
            }
            if (verdict.type === 'retry') assert.ok(verdict.afterMs === null || verdict.afterMs >= 0);
            else if (verdict.type === 'delivered' && verdict.reply !== null)
              assert.ok(verdict.reply.isBinary || isUtf8(verdict.reply.data), 'a text frame is UTF-8');
          }),
          { numRuns: 500 },
        );
      });

    test('any result of a close is a verdict, the same each time; none is no acknowledgement', () => {
      fc.assert(
        fc.property(closeEvent, result, (event, came) => {
          const verdict = dialect.decodeClose(event, came);
          assert.deepEqual(dialect.decodeClose(event, came), verdict);
          if (came.type === 'failure') assert.equal(verdict.type, 'retry');
        }),
      );
    });
  });
}

function checkForm(call: BackendCall): void {
  assert.match(call.path, /^\/[\x21-\x7e]*$/);
  const headers = allHeadersOf(call);
  assert.equal(headers.length % 2, 0);
  for (let index = 0; index < headers.length; index += 2) checkHeader(headers[index], headers[index + 1]);
  assert.ok(call.body === null || typeof call.body === 'string' || Buffer.isBuffer(call.body));
}

/** RFC 9110 §5.1 and §5.5. */
function checkHeader(name: string | undefined, value: string | undefined): void {
  assert.match(name ?? '', /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/);
  assert.match(value ?? '\n', /^[\t\x20-\x7e\x80-\xff]*$/, `header ${name}`);
}
