import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { connectionId, ownerToken } from '../../src/core/ids.ts';
import { traceOf } from '../../src/wire/trace.ts';

fc.configureGlobal({ seed: 1 }); // a failure prints how to find it again; a run finds what the last one found

const traceparent = (clients: string | null, key: string, seq: number): string => traceOf({ key, traceparent: clients }).spanOf(seq);

const FORM = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/; // W3C Trace Context §3.2.2
const CLIENTS = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';

test('every event of every connection has a well-formed traceparent', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.boolean(), (key, seq, isClients) => {
      assert.match(traceparent(isClients ? CLIENTS : null, key, seq), FORM);
    }),
  );
  assert.match(traceparent(null, connectionId(ownerToken()), 0xffffffff), FORM);
});

test("retries share a span, events of a connection share a trace, connections don't", () => {
  const [one, other] = [connectionId(ownerToken()), connectionId(ownerToken())];
  const [, trace, span] = traceparent(null, one, 1).split('-');
  assert.notEqual(traceparent(null, other, 1).split('-')[1], trace);
  assert.deepEqual(traceparent(null, one, 1).split('-'), ['00', trace, span, '01']);
  const [, nextTrace, nextSpan] = traceparent(null, one, 2).split('-');
  assert.equal(nextTrace, trace);
  assert.notEqual(nextSpan, span);
});

test("a client's trace goes on, with its sampling decision and spans of ours", () => {
  const [version, trace, span, flags] = traceparent(CLIENTS, connectionId(ownerToken()), 3).split('-');
  assert.deepEqual([version, trace, flags], ['00', '0af7651916cd43dd8448eb211c80319c', '00']);
  assert.notEqual(span, 'b7ad6b7169203331');
});
