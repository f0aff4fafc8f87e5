import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runClusterHistory } from './cluster-history.ts';

const HISTORIES = Number(process.env['CLUSTER_HISTORIES'] ?? 100);
const ONE_SEED = process.env['SIMULATION_SEED'];

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

if (ONE_SEED === undefined) {
  test(`${HISTORIES} random histories of three nodes keep G3, G4 and the claims of ids`, async () => {
    const tally = new Map<string, number>();
    for (let seed = 1; seed <= HISTORIES; seed += 1) {
      const violations = await runClusterHistory({ seed, tally, isVerbose: false });
      if (violations.length > 0)
        assert.fail(
          `the history of seed ${seed} breaks a promise; to see it all: SIMULATION_SEED=${seed}\n${violations.slice(0, 10).join('\n')}`,
        );
    }
    if (HISTORIES < 100) return;
    const rare = MUST_HAPPEN.filter((what) => (tally.get(what) ?? 0) < 5);
    assert.deepEqual(rare, [], `too rare to prove anything, of ${JSON.stringify(Object.fromEntries(tally))}`);
  });
} else {
  test(`the history of seed ${ONE_SEED} keeps G3, G4 and the claims of ids`, async () => {
    assert.deepEqual(await runClusterHistory({ seed: Number(ONE_SEED), tally: new Map(), isVerbose: true }), []);
  });
}
