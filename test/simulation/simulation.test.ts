import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runHistory } from './history.ts';

const HISTORIES = Number(process.env['SIMULATION_HISTORIES'] ?? 10_000);
const ONE_SEED = process.env['SIMULATION_SEED'];

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

if (ONE_SEED === undefined) {
  test(`${HISTORIES} random histories keep G1 to G4 and G6`, async () => {
    const tally = new Map<string, number>();
    for (let seed = 1; seed <= HISTORIES; seed += 1) {
      const violations = await runHistory({ seed, tally, isVerbose: false });
      if (violations.length > 0)
        assert.fail(
          `the history of seed ${seed} breaks a promise; to see it all: SIMULATION_SEED=${seed}\n${violations.slice(0, 10).join('\n')}`,
        );
    }
    if (HISTORIES < 10_000) return;
    const rare = MUST_HAPPEN.filter((what) => (tally.get(what) ?? 0) < 100);
    assert.deepEqual(rare, [], `too rare to prove anything, of ${JSON.stringify(Object.fromEntries(tally))}`);
  });
} else {
  test(`the history of seed ${ONE_SEED} keeps G1 to G4 and G6`, async () => {
    assert.deepEqual(await runHistory({ seed: Number(ONE_SEED), tally: new Map(), isVerbose: true }), []);
  });
}
