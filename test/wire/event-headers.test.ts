import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allHeadersOf } from '../../src/wire/calls.ts';
import { EventHeaders } from '../../src/wire/event-headers.ts';
import { sampleConnection, sampleRequest } from '../contracts/samples.ts';

const valuesOf = (headers: readonly string[], name: string): string[] =>
  headers.filter((_text, index) => index % 2 === 1 && headers[index - 1] === name);

test('every event asks for an answer as it is, once, whatever the operator or the client would rather have', () => {
  const headers = new EventHeaders({
    wsUri: (id) => id,
    backendHeaders: ['x-key', 'accept-encoding', 'accept-encoding', 'gzip', 'x-last', '1'],
  });
  const request = sampleRequest({ forwarded: ['accept-encoding', 'br', 'cookie', 'a=b'] });
  const { party } = sampleConnection({ ...request });
  const told = [
    headers.open({ type: 'open', party, request }),
    allHeadersOf(headers.message({ party, seq: 1 })),
    headers.close({ type: 'close', party, seq: 2, code: 1000, reason: '', isOrphan: false }),
  ];
  for (const list of told) {
    assert.deepEqual(valuesOf(list, 'accept-encoding'), ['identity']);
    assert.deepEqual([valuesOf(list, 'x-key'), valuesOf(list, 'x-last')], [['accept-encoding'], ['1']]);
  }
  assert.deepEqual(valuesOf(told[0] ?? [], 'cookie'), ['a=b']);
});
