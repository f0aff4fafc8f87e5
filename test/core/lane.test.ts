import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lane, type LaneRefusal } from '../../src/core/lane.ts';
import { endOfTurn, ManualClock } from '../contracts/manual-clock.ts';

function scene(concurrency: number, queueLimit: number) {
  const clock = new ManualClock();
  const lane = new Lane({ clock, concurrency, queueLimit });
  const entered: string[] = [];
  const refused: (readonly [string, LaneRefusal])[] = [];
  const enter = (name: string, waitMs = 1_000): void => {
    void Promise.resolve(lane.enter(waitMs)).then((refusal) => (refusal === null ? entered.push(name) : refused.push([name, refusal])));
  };
  return { clock, lane, entered, refused, enter };
}

test('a lane lets so many in at once and the others wait in order', async () => {
  const { lane, entered, enter } = scene(2, 10);
  for (const name of ['a', 'b', 'c', 'd']) enter(name);
  await endOfTurn();
  assert.deepEqual([entered, lane.length], [['a', 'b'], 2]);
  lane.leave();
  await endOfTurn();
  assert.deepEqual([entered, lane.length], [['a', 'b', 'c'], 1]);
  lane.leave();
  await endOfTurn();
  assert.deepEqual(entered, ['a', 'b', 'c', 'd']);
});

test('a full queue refuses at once', async () => {
  const { entered, refused, enter } = scene(1, 1);
  for (const name of ['a', 'b', 'c']) enter(name);
  await endOfTurn();
  assert.deepEqual([entered, refused], [['a'], [['c', 'full']]]);
});

test('who waited too long is refused, and his place goes to the next', async () => {
  const { clock, lane, entered, refused, enter } = scene(1, 10);
  enter('a');
  enter('b', 100);
  enter('c', 1_000);
  await clock.pass(101);
  lane.leave();
  await endOfTurn();
  assert.deepEqual([entered, refused], [['a', 'c'], [['b', 'too-late']]]);
});

test('a lane that is empty again lets in as many as at first', async () => {
  const { clock, lane, entered, enter } = scene(2, 10);
  for (const name of ['a', 'b', 'c', 'd']) enter(name, 10);
  await clock.pass(11);
  lane.leave();
  lane.leave();
  await endOfTurn();
  assert.equal(lane.length, 0);
  for (const name of ['e', 'f', 'g']) enter(name);
  await endOfTurn();
  assert.deepEqual(entered, ['a', 'b', 'e', 'f']);
});
