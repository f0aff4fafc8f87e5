import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answers, Part, Query } from '../../../src/core/commands.ts';
import { part } from '../../../src/core/selections.ts';
import type { Seen, Sighting } from '../../../src/core/sightings.ts';
import { Watcher } from '../../../src/edge/console/watcher.ts';
import { ManualClock } from '../../contracts/manual-clock.ts';
import { sampleGateway } from '../../contracts/samples.ts';

const gateway = sampleGateway();
const of = { at: 1, id: 'x', route: 'default', path: '/', trace: '00-1' };
const PUSHED: Sighting = { type: 'pushed', ...of, bytes: 1, isBinary: false, payload: null };

/** One who watches processes that answer so, by a stream whose reader takes what it gets or not. */
function scene(answer: (query: Query) => Answers) {
  const clock = new ManualClock();
  const told: [event: string, data: unknown][] = [];
  const stream = {
    isTaking: true,
    isOver: false,
    send: (event: string, data: unknown) => void told.push([event, data]),
    keepAlive: () => void told.push(['keep alive', null]),
    end(event: string, data: unknown) {
      told.push([event, data]);
      stream.isOver = true;
    },
  };
  const asked: Query[] = [];
  const query = (one: Query): Promise<Answers> => {
    asked.push(one);
    return Promise.resolve(answer(one));
  };
  const watcher = new Watcher({ stream, query, clock, filter: { id: null, route: null, tags: [] }, wantsFigures: false });
  return { clock, stream, told, asked, watcher };
}

function answerOf(node: string, sightings: readonly Sighting[], own: Partial<Seen> = {}): Part {
  return { ...part(gateway, {}), node, owner: node, seen: { sightings, missed: 0, figures: null, problem: null, ...own } };
}

test('what several processes saw is told in the order of its time, with the name of the node', async () => {
  const late = { ...PUSHED, at: 9 };
  const { told, clock } = scene(() => ({ parts: [answerOf('n1', [late]), answerOf('n2', [PUSHED])], unreachable: [] }));
  await clock.pass(0);
  const [event, data] = told[0] ?? [];
  assert.equal(event, 'sightings');
  assert.deepEqual(
    (data as { node: string; at: number }[]).map(({ node, at }) => [node, at]),
    [
      ['n2', 1],
      ['n1', 9],
    ],
  );
});

test('a reader that takes nothing gets nothing more, is told how much it missed when it does again, and is dropped after ten seconds', async () => {
  const { told, clock, stream, asked } = scene(() => ({ parts: [answerOf('n1', [PUSHED, PUSHED], { missed: 3 })], unreachable: [] }));
  await clock.pass(0);
  stream.isTaking = false;
  told.length = 0;
  await clock.pass(500);
  assert.equal(told.length, 0, 'two looks, ten things');
  stream.isTaking = true;
  await clock.pass(250);
  assert.deepEqual(
    told.map(([event]) => event),
    ['sightings', 'missed'],
  );
  assert.deepEqual(told[1]?.[1], { count: 13 });
  stream.isTaking = false;
  told.length = 0;
  await clock.pass(11_000);
  assert.deepEqual(told, [['end', { reason: 'this reader was too slow: it took nothing for 10 s' }]]);
  const { length } = asked;
  await clock.pass(60_000);
  assert.equal(asked.length, length, 'nobody is asked any more');
  assert.equal(clock.pending, 0);
});

test('whom nothing is heard of is told when it changes, and so is who takes no part', async () => {
  const answers: Answers = { parts: [answerOf('n1', [])], unreachable: [] };
  let now: Answers = { ...answers, unreachable: ['n2'] };
  const { told, clock } = scene(() => now);
  await clock.pass(1_000);
  now = { parts: [answerOf('n1', [], { problem: '64 watch already' })], unreachable: [] };
  await clock.pass(1_000);
  now = answers;
  await clock.pass(1_000);
  assert.deepEqual(
    told.filter(([event]) => event === 'absent').map(([, data]) => data),
    [
      { unreachable: ['n2'], refusing: [] },
      { unreachable: [], refusing: ['n1: 64 watch already'] },
      { unreachable: [], refusing: [] },
    ],
  );
});

test('in silence there is a sign of life; many processes are asked less often', async () => {
  const few = scene(() => ({ parts: [answerOf('n1', [])], unreachable: [] }));
  await few.clock.pass(0);
  await few.clock.pass(25_000);
  assert.equal(few.told.filter(([event]) => event === 'keep alive').length, 3);
  assert.ok(few.asked.length > 90, `${few.asked.length}`);
  const many = scene(() => ({ parts: Array.from({ length: 9 }, (_none, n) => answerOf(`n${n}`, [])), unreachable: [] }));
  await many.clock.pass(0);
  await many.clock.pass(25_000);
  assert.ok(many.asked.length < 30, `${many.asked.length}`);
  many.watcher.stop();
  assert.equal(many.clock.pending, 0);
});
