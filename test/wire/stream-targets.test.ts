import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStreamTarget, STREAM_SCHEMES } from '../../src/wire/stream-targets.ts';

test('a URL is read with its defaults', () => {
  const redis = readStreamTarget('redis://host');
  assert.ok(typeof redis !== 'string' && redis.technology === 'redis');
  assert.deepEqual(
    [redis.url, redis.name.standard, redis.maxlen, redis.commands, redis.mostNames],
    ['redis://host', 'connectionevents', 1_000_000, null, 10_000],
  );
  const amqp = readStreamTarget('amqps://u:p@host/v?commands=todo&routingKey=a.{tag.room}');
  assert.ok(typeof amqp !== 'string' && amqp.technology === 'amqp');
  assert.deepEqual([amqp.exchange, amqp.queue, amqp.isMandatory, amqp.name.standard], ['wsgateway', null, true, 'a._']);
  assert.deepEqual(amqp.commands, { name: 'todo', deadLetters: 'todo.dead', group: '', claimAfterMs: 0 });
  const sentinel = readStreamTarget('redis+sentinel://u:p@h1:26379,h2/mymaster?stream=s&maxlen=0&commands=c&group=g&claimAfterMs=500');
  assert.ok(typeof sentinel !== 'string' && sentinel.technology === 'redis');
  assert.deepEqual([sentinel.url, sentinel.maxlen], ['redis+sentinel://u:p@h1:26379,h2/mymaster', 0]);
  assert.deepEqual(sentinel.commands, { name: 'c', deadLetters: 'c.dead', group: 'g', claimAfterMs: 500 });
});

test('what is shown has no credentials', () => {
  for (const url of [
    'redis://user:hunter2@host:1/0',
    'redis://:hunter2@host',
    'rediss://user:hunter2%40x@host',
    'amqp://user:hunter2@host/v?exchange=e',
    'redis+sentinel://user:hunter2@h1,h2/m',
  ]) {
    const target = readStreamTarget(url);
    assert.ok(typeof target !== 'string' && !target.shownUrl.includes('hunter2') && !target.shownUrl.includes('user'), url);
  }
});

test('a mistake says what was wanted, without a password', () => {
  const mistakes: Readonly<Record<string, RegExp>> = {
    'http://host': /begins with redis:\/\//,
    '': /begins with/,
    'redis://': /with a host/,
    'amqp://a:%zzhunter2@host': /percent-encoded/,
    'redis://a:hunter2@host/db': /number of a database/,
    'redis://a:hunter2@host?stream=': /must name a stream/,
    'redis://a:hunter2@host?strem=x': /has no parameter "strem"; it has stream, maxlen/,
    'redis://a:hunter2@host?maxlen=-1': /maxlen must be a whole number/,
    'redis://a:hunter2@host?maxlen=1&maxlen=2': /twice/,
    'redis://a:hunter2@host?stream={room}': /stream must hold places/,
    'redis://a:hunter2@host?commands=c&claimAfterMs=1': /claimAfterMs/,
    'redis://a:hunter2@host?names=0': /names/,
    'redis://a:hunter2@host#x': /fragment/,
    'redis+sentinel://a:hunter2@h1,h2': /name Sentinels/,
    'amqp://a:hunter2@host?exchange=': /exchange/,
    'amqp://a:hunter2@host?mandatory=yes': /true or false/,
    'amqp://a:hunter2@host?stream=x': /has no parameter/,
  };
  for (const [url, wanted] of Object.entries(mistakes)) {
    const problem = readStreamTarget(url);
    assert.ok(typeof problem === 'string' && wanted.test(problem) && !problem.includes('hunter2'), `${url}: ${JSON.stringify(problem)}`);
  }
  assert.equal(STREAM_SCHEMES.length, 5);
});
