import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createJournal } from '../../../src/engines/local/journal.ts';
import { ledgerEntry } from '../../contracts/ledger.ts';
import { recordingLog } from './journal-log.ts';
import { startMember, temporaryDirectory } from './journal-member.ts';
import { CHURN_BATCH } from './journal-churn.ts';

test('kill -9 at 2,000 open: the next process is handed 2,000, each once', async (t) => {
  const directory = await temporaryDirectory();
  const dead = await startMember(t, directory);
  await dead.openedAll(Array.from({ length: 2_000 }, (_, number) => ledgerEntry(`key-${number}`)));
  await dead.die();
  const next = await startMember(t, directory);
  const orphans = await next.ledger.orphans();
  assert.equal(orphans.length, 2_000);
  assert.equal(new Set(orphans.map(({ key }) => key)).size, 2_000);
  assert.deepEqual(await next.ledger.orphans(), []);
});

for (const batch of [3, 20, 45, 70]) {
  test(`kill -9 in the middle of opens, forgets and rewritings (batch ${batch}): all that was acknowledged is found`, async (t) => {
    const directory = await temporaryDirectory();
    const dead = await startMember(t, directory, { options: { maxBytes: 4_000, writeEveryMs: 1 } });
    await dead.churnUntil(batch);
    await dead.die();
    const last = dead.lastBatch();
    const log = recordingLog();
    const journal = await createJournal({ directory, log });
    t.after(() => journal.close());
    const orphans = await journal.orphans();
    const found = new Set(orphans.map(({ key }) => key));
    assert.equal(found.size, orphans.length);
    for (let number = 0; number <= last; number += 1) assert.ok(found.has(`${number}-0`), `${number}-0 of ${last}`);
    for (let number = 0; number < CHURN_BATCH; number += 1) assert.ok(found.has(`${last}-${number}`), `${last}-${number}`);
    // Forgets are written with the opens that follow them.
    for (let number = 1; number < CHURN_BATCH; number += 1) assert.ok(!found.has(`${last - 3}-${number}`), `${last - 3}-${number}`);
    assert.deepEqual(log.lines.all, []);
  });
}
