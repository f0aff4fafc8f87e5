import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '../../src/core/connection.ts';
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
  const [old, newest] = [sampleConnection({ id: 'same', key: 'old' }), sampleConnection({ id: 'same', key: 'new' })];
  connections.add(old);
  assert.equal(connections.find('same'), undefined, 'one that is still being asked about holds nothing');
  assert.equal(connections.take(old), null);
  connections.add(newest);
  assert.equal(connections.find('same'), old, 'the id stays with its holder until it is taken');
  assert.deepEqual([...connections.pending('same')], [newest]);
  assert.equal(connections.take(newest), old);
  assert.equal(connections.pending('same').size, 0);
  connections.remove(old);
  assert.equal(connections.find('same'), newest);
  connections.remove(newest);
  assert.equal(connections.find('same'), undefined);
});

test('of those that are still being asked about with one id, each goes by itself', () => {
  const connections = new Connections();
  const all = ['a', 'b', 'c'].map((key) => sampleConnection({ id: 'same', key }));
  for (const connection of all) connections.add(connection);
  for (const connection of all.slice(0, 2)) assert.equal(connections.remove(connection), true);
  assert.equal(connections.remove(all[0] as Connection), false, 'it was gone already');
  assert.deepEqual([...connections.pending('same')], all.slice(2));
});
