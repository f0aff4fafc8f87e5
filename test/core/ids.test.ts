import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionId, OWNER_LENGTH, ownerToken, randomToken } from '../../src/core/ids.ts';

const ROUNDS = 20_000;

test('an id has at most 36 characters, all safe in a URL segment', () => {
  const id = connectionId(ownerToken());
  assert.match(id, /^[A-Za-z0-9_-]{24,36}$/);
  assert.equal(encodeURIComponent(id), id);
});

test('at least 96 bits of an id are random: 16 characters beside its owner', () => {
  assert.ok(connectionId(ownerToken()).length - OWNER_LENGTH >= 96 / 6);
});

test('ids are never seen twice, also beyond the pool of random bytes', () => {
  const owner = ownerToken();
  assert.equal(new Set(Array.from({ length: ROUNDS }, () => connectionId(owner))).size, ROUNDS);
});

test('every character of a token is used evenly at every place', () => {
  const counts = Array.from({ length: randomToken().length }, () => new Map<string, number>());
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [place, character] of randomToken().split('').entries())
      counts[place]?.set(character, (counts[place].get(character) ?? 0) + 1);
  for (const [place, count] of counts.entries()) {
    assert.equal(count.size, 64, `place ${place} has ${count.size} of 64 characters`);
    for (const [character, times] of count)
      // 312 are expected, with a standard deviation of 17.5
      assert.ok(times > 180 && times < 450, `${character} is ${times} times at place ${place}`);
  }
});

test('an id begins with its owner', () => {
  const owner = ownerToken();
  assert.equal(owner.length, OWNER_LENGTH);
  assert.ok(connectionId(owner).startsWith(owner));
});
