import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from '../../src/core/address.ts';
import { connectionId, isGivenId, ownerToken } from '../../src/core/ids.ts';

test('no two pairs of namespace and id have one address, whatever a client chose', () => {
  const namespaces = ['', '/a', '/a/b', '/tenant-a', '/tenant-a.b'];
  const ids = [
    'a',
    '/',
    '//',
    '/a',
    '/a/',
    '/a//',
    '/a//a',
    '//a',
    '//a//b',
    'a//b',
    '/tenant-a//a',
    '/tenant-a',
    '',
    '%2F',
    '\0',
    '/a/b//a',
  ];
  const seen = new Map<string, string>();
  for (const namespace of namespaces) {
    for (const id of ids) {
      const pair = JSON.stringify([namespace, id]);
      const address = addressOf(namespace, id);
      assert.equal(seen.get(address), undefined, `${pair} is ${address}, too`);
      seen.set(address, pair);
    }
  }
});

test('an id without a namespace is its own address, and no address is an id that the gateway gave', () => {
  for (const id of ['CP1', 'Grüße', 'a/b']) assert.equal(addressOf('', id), id);
  const given = connectionId(ownerToken());
  assert.equal(isGivenId(given), true);
  assert.equal(isGivenId(addressOf('/a', given)), false);
  for (let count = 0; count < 200_000; count += 1) {
    const address = addressOf('/a', String(count).padStart(26, 'x'));
    assert.ok(address.length === 30 && !isGivenId(address), address); // with the length of one, one in sixteen million would have its check
  }
});
