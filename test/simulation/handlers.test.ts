import { runHistory } from './history.ts';
import { testHistories } from './run-histories.ts';

const NORMAL = 2_000;

/** What so many histories must have met, else their silence proves nothing. */
const MUST_HAPPEN = [
  'open accepted',
  'open refused',
  'open unusable',
  'open unanswered',
  'refused unasked',
  'left during open',
  'early close',
  'push sent',
  'push queued',
  'push slow',
  'push not-found',
  'close closing',
  'message delivered',
  'reply',
  'pause',
  'gave up',
  'close retried',
  'close taken',
];

testHistories({
  run: (options) => runHistory({ ...options, isInProcess: true }),
  normal: NORMAL,
  count: Number(process.env['SIMULATION_HISTORIES'] ?? NORMAL),
  mustHappen: MUST_HAPPEN,
  times: 20,
  are: ' of handlers',
  keep: 'G1 to G4 and G6',
});
