import { runHistory } from './history.ts';
import { testHistories } from './run-histories.ts';

const NORMAL = 10_000;

/** What 10,000 histories must have met, else their silence proves nothing. */
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
  'push too-long',
  'push not-text',
  'push not-found',
  'push repeated',
  'close closing',
  'close not-found',
  'message delivered',
  'message retried',
  'reply',
  'pause',
  'own pause',
  'ping answered',
  'ping unanswered',
  'gave up',
  'close retried',
  'close taken',
];

testHistories({
  run: runHistory,
  normal: NORMAL,
  count: Number(process.env['SIMULATION_HISTORIES'] ?? NORMAL),
  mustHappen: MUST_HAPPEN,
  times: 100,
  are: '',
  keep: 'G1 to G4 and G6',
});
