import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connections } from '../../src/core/connections.ts';
import { sampleConnection } from '../contracts/samples.ts';

test('a connection is found from its reservation until it is removed', () => {
  const connections = new Connections();
  const connection = sampleConnection({ id: 'one' });
  connections.add(connection);
  assert.deepEqual([connections.find('one'), connections.size, [...connections]], [connection, 1, [connection]]);
  connections.remove(connection);
  assert.deepEqual([connections.find('one'), connections.size, [...connections]], [undefined, 0, []]);
});

test('the end of an old connection leaves the new one of the same id alone', () => {
  const connections = new Connections();
  const [old, newest] = [sampleConnection({ id: 'same' }), sampleConnection({ id: 'same' })];
  connections.add(old);
  connections.add(newest);
  assert.equal(connections.find('same'), old, 'the id stays with its holder until it is taken');
  assert.equal(connections.take(newest), old);
  connections.remove(old);
  assert.equal(connections.find('same'), newest);
  connections.remove(newest);
  assert.equal(connections.find('same'), undefined);
});

test('addresses are counted, and forgotten with their last connection', () => {
  const connections = new Connections();
  const all = ['192.0.2.1', '192.0.2.1', '2001:db8::1'].map((remoteAddress, index) => sampleConnection({ id: `c${index}`, remoteAddress }));
  for (const connection of all) connections.add(connection);
  assert.deepEqual([connections.countOf('192.0.2.1'), connections.countOf('2001:db8::1'), connections.countOf('192.0.2.9')], [2, 1, 0]);
  for (const connection of all) connections.remove(connection);
  for (const connection of all) connections.remove(connection); // told twice, counted once
  assert.deepEqual([connections.countOf('192.0.2.1'), connections.countOf('2001:db8::1')], [0, 0]);
});
