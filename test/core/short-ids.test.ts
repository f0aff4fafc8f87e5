import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientIdProblem } from '../../src/wire/client-ids.ts';
import { isGivenId, isLongId, isShortId, OWNER_LENGTH, ownerToken } from '../../src/core/ids.ts';
import { ShortIds } from '../../src/core/short-ids.ts';

const ROUNDS = 20_000;

test('a short id has the form that AWS gives, and begins with its owner', () => {
  const owner = ownerToken();
  const ids = new ShortIds(owner);
  for (let round = 0; round < 1_000; round += 1) {
    const id = ids.next();
    assert.match(id, /^[\w-]{15}=$/);
    assert.equal(Buffer.from(id, 'base64url').length, 11);
    assert.equal(`${Buffer.from(id, 'base64url').toString('base64url')}=`, id, 'strict readers of base64 take it');
    assert.equal(id.slice(0, OWNER_LENGTH), owner);
    assert.ok(isShortId(id) && isGivenId(id) && !isLongId(id));
    assert.notEqual(clientIdProblem(id), null, 'no client may choose it');
  }
});

test('short ids are never seen twice, and the next one does not follow from those before', () => {
  const ids = new ShortIds('OWNER_');
  const seen = Array.from({ length: ROUNDS }, () => ids.next());
  assert.equal(new Set(seen).size, ROUNDS);
  for (let place = OWNER_LENGTH; place < 14; place += 1) {
    const counts = new Map<string, number>();
    for (const id of seen) counts.set(id[place] ?? '', (counts.get(id[place] ?? '') ?? 0) + 1);
    assert.equal(counts.size, 64);
    for (const times of counts.values()) assert.ok(times > 180 && times < 450, `${times} times at place ${place}`); // 312 are expected
  }
  const others = new ShortIds('OWNER_');
  assert.ok(!seen.includes(others.next()), 'each process has a key of its own');
});

test('other texts are no short ids', () => {
  for (const id of ['', 'x', 'AAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAB=', 'AAAAAAAAAAAAAAA==', 'AAAAAAAAAAAAA/A=', `${'A'.repeat(31)}=`])
    assert.equal(isShortId(id), false, id);
});
