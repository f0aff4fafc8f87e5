import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { CloseEvent, MessageEvent, OpenEvent } from '../../../src/core/events.ts';
import { StreamCodec } from '../../../src/dialects/stream/codec.ts';
import { readJsonPaths, valueIn, type JsonPaths } from '../../../src/dialects/stream/json-values.ts';
import type { Entry } from '../../../src/wire/entries.ts';
import { sampleConnection, sampleRequest, SAMPLE_ID } from '../../contracts/samples.ts';

const codec = new StreamCodec({ route: '/r', includeTags: null, jsonPaths: new Map() });
const { party } = sampleConnection();
const message = (data: string | Buffer, own: Partial<MessageEvent> = {}): MessageEvent => ({
  type: 'message',
  party,
  seq: 7,
  data: Buffer.from(data as string),
  isBinary: false,
  ...own,
});

function pairsOf({ fields }: Entry): unknown[][] {
  return Array.from({ length: fields.length / 2 }, (_, pair) => [fields[2 * pair], fields[2 * pair + 1]]);
}

test('entries have wsgateway’s fields first, in its order, then ours', () => {
  const tagged = party.with({ tags: new Map(Object.entries({ z: '1', a: 'ä &', m: '' })) });
  const data = Buffer.from('hello');
  assert.deepEqual(pairsOf(codec.message({ ...message('x'), party: tagged, data })), [
    ['connection', SAMPLE_ID],
    ['action', 'message'],
    ['type', 'text'],
    ['tags', 'a=%C3%A4+%26&m=&z=1'],
    ['message', data],
    ['event_id', `${SAMPLE_ID}.7`],
    ['route', '/r'],
  ]);
  const open: OpenEvent = { type: 'open', party, request: sampleRequest({ tags: [['room', '1']] }) };
  assert.deepEqual(pairsOf(codec.open(open)).slice(0, 5), [
    ['connection', SAMPLE_ID],
    ['action', 'open'],
    ['tags', 'room=1'],
    ['event_id', `${SAMPLE_ID}.0`],
    ['route', '/r'],
  ]);
  const close: CloseEvent = { type: 'close', party, seq: null, code: 1006, reason: '', isOrphan: true };
  assert.deepEqual(pairsOf(codec.close(close)), [
    ['connection', SAMPLE_ID],
    ['action', 'close'],
    ['tags', ''],
    ['event_id', `${SAMPLE_ID}.close`],
    ['route', '/r'],
    ['close_code', '1006'],
    ['close_reason', ''],
    ['orphan', 'true'],
  ]);
});

test('no entry tells a credential, or the query that may hold one', () => {
  const secret = party.with({ authorization: 'Bearer hunter2' });
  const request = sampleRequest({ authorization: 'Bearer hunter2', forwarded: ['cookie', 'hunter2'], query: { access_token: 'hunter2' } });
  assert.ok(!JSON.stringify(codec.open({ type: 'open', party: secret, request })).includes('hunter2'));
  assert.ok(!JSON.stringify(codec.message({ ...message('x'), party: secret })).includes('hunter2'));
});

test('only the tags that are wanted are told', () => {
  const narrow = new StreamCodec({ route: '/r', includeTags: new Set(['a']), jsonPaths: new Map() });
  const tagged = party.with({ tags: new Map(Object.entries({ a: '1', b: '2' })) });
  assert.equal(narrow.message({ ...message('x'), party: tagged }).fields[7], 'a=1');
  assert.equal(narrow.variables({ ...message('x'), party: tagged }).tag('b'), '2', 'names may depend on all');
});

test('any message is an entry, the same at every repetition, and its variables are texts or nothing', () => {
  const paths = readJsonPaths({ deep: 'a.b.0', proto: '__proto__.x' }) as JsonPaths;
  const reader = new StreamCodec({ route: '/r', includeTags: null, jsonPaths: paths });
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string({ unit: 'binary' })), fc.boolean(), fc.string(), (text, isBinary, name) => {
      const event = message(text, { isBinary });
      assert.deepEqual(reader.message(event), reader.message(event));
      const { json } = reader.variables(event);
      for (const variable of [name, 'deep', 'proto', '__proto__', 'constructor', 'length']) {
        const value = json(variable);
        assert.ok(value === undefined || (typeof value === 'string' && value !== ''));
      }
    }),
  );
});

test('a value is found along its path, and in nothing that the JSON does not own', () => {
  const paths = readJsonPaths({ kind: '$.data.list.1.kind', all: 'data' }) as JsonPaths;
  const json = { data: { list: [{}, { kind: 5 }] }, flag: false, text: 'x', nothing: null };
  assert.deepEqual(
    ['kind', 'all', 'flag', 'text', 'nothing', 'toString', 'missing'].map((name) => valueIn(json, name, paths)),
    ['5', undefined, 'false', 'x', undefined, undefined, undefined],
  );
  for (const given of [{ 'a-b': 'x' }, { a: '' }, { a: 'x..y' }, { a: Array(40).fill('x').join('.') }])
    assert.equal(typeof readJsonPaths(given), 'string', JSON.stringify(given));
});

test('JSON is read for a name in time that grows with its size, and long messages are not read', () => {
  const deep = message('['.repeat(65_536));
  const start = performance.now();
  assert.equal(codec.variables(deep).json('a'), undefined);
  assert.equal(codec.variables(message(`{"a":"${'x'.repeat(70_000)}"}`)).json('a'), undefined);
  assert.ok(performance.now() - start < 200);
});
