import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRedisLink } from '../../../src/engines/redis/stream-link.ts';
import { readStreamTarget } from '../../../src/wire/stream-targets.ts';
import type { Fate, Parcel } from '../../../src/wire/streams.ts';
import { missing, startEngine } from '../../support/engine-server.ts';
import { allIn, redisClient } from '../../support/redis-streams.ts';

type Words = readonly (string | Buffer)[];

function parcel(name: string, fields: Words, isBinary = false): { readonly parcel: Parcel; readonly fate: Promise<Fate> } {
  const { promise: fate, resolve } = Promise.withResolvers<Fate>();
  return { parcel: { name, entry: { eventId: 'e', fields, isBinary }, settled: resolve }, fate };
}

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const TEXTS = [
  '',
  String.fromCharCode(...Array.from({ length: 128 }, (_, code) => code)),
  '"\\u0000\\ud800 \\\\ud800',
  'grüß 😀 \u2028 \u{10ffff}',
  '{"deep":[[[]]],"n":1e400,"f":false}',
];

test('whatever words entries have, several of one piece reach their streams as they are', { skip: missing('redis') }, async (t) => {
  const engine = await startEngine(t, 'redis');
  const target = readStreamTarget(`${engine.url}/0`);
  assert.ok(typeof target !== 'string' && target.technology === 'redis');
  const link = await createRedisLink(target);
  t.after(() => link.close());
  await new Promise<void>((resolve) => link.start({ up: resolve, down: () => {} }));
  const sent = [
    ...TEXTS.map((text) => parcel('texts', ['message', Buffer.from(text), 'tags', text])),
    parcel('bytes', ['message', EVERY_BYTE], true),
    parcel('texts', ['message', Buffer.alloc(0), 'tags', 'half \ud800 a pair']),
    parcel('bytes', ['message', Buffer.alloc(0), 'more', EVERY_BYTE], true),
    parcel('bytes', ['no value'], true),
  ];
  link.send(sent.map((one) => one.parcel));
  const fates = await Promise.all(sent.map(({ fate }) => fate));
  const last = fates.pop();
  assert.deepEqual(
    fates.map(({ type }) => type),
    fates.map(() => 'stored'),
  );
  assert.ok(last?.type === 'declined' && /arguments/.test(last.because), 'what Redis says of one entry is told of that one');
  const client = redisClient(t, engine);
  const texts = await allIn(client, 'texts');
  assert.deepEqual(
    texts.map(({ text }) => [text['message'], text['tags']]),
    [...TEXTS.map((text) => [text, text]), ['', 'half \ufffd a pair']],
  );
  assert.deepEqual(
    (await allIn(client, 'bytes')).map(({ bytes }) => Object.values(bytes)),
    [[EVERY_BYTE], [Buffer.alloc(0), EVERY_BYTE]],
  );
});
