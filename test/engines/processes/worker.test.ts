import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { WorkerPost, type Orders } from '../../../src/engines/processes/worker.ts';
import { linked } from './linked.ts';

const NOTHING: Orders = { drain: () => {}, reload: () => {} };

test('a worker says at once that it lives, waits for the order to listen, and is complete when all listen', async () => {
  const [ours, supervisors] = linked();
  const heard: object[] = [];
  supervisors.onMessage((message) => heard.push(message));
  const post = new WorkerPost({ ...ours, onEnd: () => {} }, NOTHING);
  let listens = false;
  const mayListen = post.prepared().then(() => (listens = true));
  for (let turns = 0; turns < 3; turns += 1) await turn();
  assert.deepEqual(heard, [{ notice: 'beat' }, { notice: 'prepared' }]);
  assert.deepEqual([listens, post.isComplete], [false, false]);
  supervisors.send({ notice: 'listen' });
  await mayListen;
  assert.equal(post.isComplete, false);
  supervisors.send({ notice: 'complete' });
  for (let turns = 0; turns < 3; turns += 1) await turn();
  assert.equal(post.isComplete, true);
});

test('a supervisor that is gone, or was before, orders a drain of what the worker is by then', () => {
  const [ours] = linked();
  const drained: string[] = [];
  const ends = new Set<() => void>();
  const begins = { ...NOTHING, drain: () => drained.push('it begins') };
  const post = new WorkerPost({ ...ours, onEnd: (handler) => ends.add(handler) }, begins);
  post.obey({ ...NOTHING, drain: () => drained.push('it serves') });
  for (const end of ends) end();
  assert.deepEqual(drained, ['it serves']);
  assert.equal(new WorkerPost({ ...ours, onEnd: (handler) => handler() }, begins).isComplete, false);
  assert.deepEqual(drained, ['it serves', 'it begins']);
});
