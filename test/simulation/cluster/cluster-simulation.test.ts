import { runClusterHistory } from './cluster-history.ts';
import { testHistories } from '../run-histories.ts';

const NORMAL = 100;

/** What so many histories must have met, else their silence proves nothing. */
const MUST_HAPPEN = [
  'a node dies',
  'a node freezes',
  'a way is cut',
  'the engine dies',
  'the engine is back, empty',
  'a node dies after the engine',
  'close told',
  'push sent',
  'push not-found',
  'push unavailable',
  'push timeout',
];

testHistories({
  run: runClusterHistory,
  normal: NORMAL,
  count: Number(process.env['CLUSTER_HISTORIES'] ?? NORMAL),
  mustHappen: MUST_HAPPEN,
  times: 5,
  are: ' of three nodes',
  keep: 'G3, G4 and the claims of ids',
});
