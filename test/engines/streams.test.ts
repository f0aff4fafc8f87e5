import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openStream } from '../../src/engines/streams.ts';
import { readStreamTarget } from '../../src/wire/stream-targets.ts';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

test('no start loads what speaks with a broker: it is imported when a route asks for it', () => {
  const eager: string[] = [];
  let lazy = 0;
  for (const file of globSync('**/*.ts', { cwd: SRC })) {
    const text = readFileSync(`${SRC}/${file}`, 'utf8');
    if (/^import (?!type )[^;]*from '(ioredis|amqplib)'/m.test(text)) eager.push(file);
    if (/^import (?!type )[^;]*from '[^']*\/(redis\/stream-|amqp\/|streams\/index)[^']*'/m.test(text) && !file.startsWith('engines/amqp/'))
      eager.push(file);
    lazy += [...text.matchAll(/await import\('(ioredis|amqplib|[^']*\/streams\/index\.ts|[^']*\/stream-(link|commands)\.ts)'\)/g)].length;
  }
  assert.deepEqual(eager, []);
  assert.ok(lazy >= 9, `${lazy} lazy imports`);
});

test('every technology that a URL can name has a link, and commands where the URL names some', async () => {
  for (const url of [
    'redis://127.0.0.1:1?commands=c',
    'rediss://h?commands=c',
    'redis+sentinel://h1,h2/m?commands=c',
    'amqp://h?commands=c',
    'amqps://u:p@h/v?commands=c',
  ]) {
    const target = readStreamTarget(url);
    assert.ok(typeof target !== 'string', url);
    for (const opened of [await openStream.link(target), await openStream.commands(target, 'me')]) await opened.close();
  }
});
