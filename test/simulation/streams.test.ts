import { runHistory } from './history.ts';
import { testHistories } from './run-histories.ts';

const NORMAL = 1_000;

/** What so many histories must have met, else their silence proves nothing. */
const MUST_HAPPEN = [
  'open accepted',
  'open refused',
  'open unanswered',
  'refused unasked',
  'left during open',
  'early close',
  'message delivered',
  'message retried',
  'pause',
  'own pause',
  'gave up',
  'close retried',
  'close taken',
  'close in the stream',
  'broker full',
  'broker silent',
  'broker broken',
  'broker away',
  'broker dropped',
  'stored again',
];

testHistories({
  run: (options) => runHistory({ ...options, isOverStream: true }),
  normal: NORMAL,
  count: Number(process.env['SIMULATION_HISTORIES'] ?? NORMAL),
  mustHappen: MUST_HAPPEN,
  times: 10,
  are: ' over a broker',
  keep: 'G1 to G4 and G6',
});
