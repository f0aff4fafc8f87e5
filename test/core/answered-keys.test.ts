import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnsweredKeys } from '../../src/core/answered-keys.ts';
import { QUEUED, SENT } from '../../src/core/commands.ts';

const FIVE_MINUTES_MS = 300_000;

test('a key is remembered with its first answer for five minutes, and not longer', () => {
  const keys = new AnsweredKeys(10);
  keys.remember('a', QUEUED, 1_000);
  assert.equal(keys.find('a', 1_000), QUEUED);
  assert.equal(keys.find('a', 1_000 + FIVE_MINUTES_MS - 1), QUEUED);
  assert.equal(keys.find('a', 1_000 + FIVE_MINUTES_MS), null);
  assert.equal(keys.find('b', 1_000), null);
});

test('the oldest key makes room for a new one', () => {
  const keys = new AnsweredKeys(2);
  for (const key of ['a', 'b', 'c']) keys.remember(key, SENT, 0);
  assert.deepEqual([keys.find('a', 1), keys.find('b', 1), keys.find('c', 1)], [null, SENT, SENT]);
});

test('a key that is remembered anew counts as new', () => {
  const keys = new AnsweredKeys(2);
  for (const key of ['a', 'b', 'a', 'c']) keys.remember(key, SENT, 0);
  assert.deepEqual([keys.find('a', 1), keys.find('b', 1), keys.find('c', 1)], [SENT, null, SENT]);
});
