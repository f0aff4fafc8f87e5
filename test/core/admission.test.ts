import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission, networkOf } from '../../src/core/admission.ts';

test('a place is taken when it is asked for, and free again once it was given back', () => {
  const admission = new Admission({ maxConnections: 3, maxConnectionsPerIp: 2 });
  assert.equal(admission.enter('192.0.2.1'), null);
  assert.equal(admission.enter('192.0.2.1'), null);
  assert.equal(admission.enter('192.0.2.1')?.status, 429);
  assert.equal(admission.enter('192.0.2.2'), null);
  assert.equal(admission.enter('192.0.2.3')?.status, 503);
  admission.leave('192.0.2.1');
  assert.deepEqual([admission.taken, admission.takenBy('192.0.2.1')], [2, 1]);
  assert.equal(admission.enter('192.0.2.1'), null);
  for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.2']) admission.leave(address);
  assert.deepEqual([admission.taken, admission.takenBy('192.0.2.1')], [0, 0]);
});

test('an IPv6 address counts for its network of 64 bits, however it is written', () => {
  const network = networkOf('2001:db8:0:7::1');
  for (const same of ['2001:db8::7:ffff:0:0:1', '2001:0db8:0000:0007:1:2:3:4', '2001:DB8:0:7:8:9:a:b'])
    assert.equal(networkOf(same), network, same);
  for (const other of ['2001:db8:0:8::1', '2001:db8::1', '::1', '192.0.2.1']) assert.notEqual(networkOf(other), network, other);
  assert.equal(networkOf('::1'), networkOf('::2'));
  assert.equal(networkOf('fe80::1'), networkOf('fe80::'));
});
