import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Ledger, LedgerEntry } from '../../../src/core/ports.ts';
import { createJournal, type JournalOptions } from '../../../src/engines/local/journal.ts';
import { encodeForgotten, encodeOpened } from '../../../src/engines/local/journal-record.ts';
import { ledgerContract, ledgerEntry } from '../../contracts/ledger.ts';
import { recordingLog } from './journal-log.ts';
import { startMember, temporaryDirectory } from './journal-member.ts';

async function open(t: TestContext, options: Omit<JournalOptions, 'log'> & Partial<JournalOptions>): Promise<Ledger> {
  const journal = await createJournal({ log: recordingLog(), ...options });
  t.after(() => journal.close());
  return journal;
}

ledgerContract({
  name: 'journal',
  level: 'process',
  create: async (t) => open(t, { directory: await temporaryDirectory() }),
  house: async (t) => {
    const directory = await temporaryDirectory();
    return { join: () => startMember(t, directory) };
  },
});

test('a journal that is closed with nothing open leaves no file', async (t) => {
  const directory = await temporaryDirectory();
  const journal = await open(t, { directory });
  await journal.opened(ledgerEntry('a'));
  journal.forget('a');
  assert.notDeepEqual(await readdir(directory), []);
  await journal.close();
  assert.deepEqual(await readdir(directory), []);
});

test('a journal creates its directory, for its owner only', async (t) => {
  const directory = join(await temporaryDirectory(), 'deep', 'er');
  const journal = await open(t, { directory });
  assert.equal(journal.problem, null);
  assert.equal((await readdir(directory)).length, 2);
});

test('what an entry carries besides its own fields is not written: no credentials on disk', async (t) => {
  const directory = await temporaryDirectory();
  const journal = await open(t, { directory });
  const entry: LedgerEntry & { authorization: string } = { ...ledgerEntry('a'), authorization: 'Bearer s3cr3t' };
  await journal.opened(entry);
  const files = await readdir(directory);
  const bytes = Buffer.concat(await Promise.all(files.map((file) => readFile(join(directory, file)))));
  assert.ok(bytes.includes('id-of-a'));
  assert.ok(!bytes.includes('s3cr3t') && !bytes.toString().toLowerCase().includes('authorization'));
});

test('the file stays bounded under churn, and what stays open survives every rewriting', async (t) => {
  const directory = await temporaryDirectory();
  const maxBytes = 20_000;
  const dead = await createJournal({ directory, log: recordingLog(), maxBytes, writeEveryMs: 1 });
  await Promise.all(Array.from({ length: 20 }, async (_, number) => dead.opened(ledgerEntry(`stays-${number}`))));
  let largest = 0;
  for (let round = 0; round < 60; round += 1) {
    await Promise.all(Array.from({ length: 50 }, async (_, number) => dead.opened(ledgerEntry(`${round}-${number}`))));
    for (let number = 0; number < 50; number += 1) dead.forget(`${round}-${number}`);
    largest = Math.max(largest, await bytesIn(directory));
  }
  await dead.close();
  assert.ok(largest < 4 * maxBytes, `${largest} bytes`);
  const heir = await open(t, { directory });
  assert.deepEqual(
    (await heir.orphans()).map(({ key }) => key).toSorted(),
    Array.from({ length: 20 }, (_, number) => `stays-${number}`).toSorted(),
  );
});

test('a torn last record is passed over without a word', async (t) => {
  const directory = await temporaryDirectory();
  await leaveBehind(directory, encodeOpened(ledgerEntry('a')) + encodeOpened(ledgerEntry('b')).slice(0, -9));
  const log = recordingLog();
  const journal = await open(t, { directory, log });
  assert.deepEqual(await journal.orphans(), [ledgerEntry('a')]);
  assert.deepEqual(log.lines.all, []);
});

test('a tail of zeros, as a power cut leaves it, is passed over', async (t) => {
  const directory = await temporaryDirectory();
  await leaveBehind(directory, encodeOpened(ledgerEntry('a')) + '\0'.repeat(8_192));
  const journal = await open(t, { directory });
  assert.deepEqual(await journal.orphans(), [ledgerEntry('a')]);
});

test('of a damaged file all that can be read is used, the file is kept aside, and the log says what was lost', async (t) => {
  const directory = await temporaryDirectory();
  const damaged = encodeOpened(ledgerEntry('b')).replace('chat', 'c\u0000at');
  await leaveBehind(
    directory,
    `${encodeOpened(ledgerEntry('a'))}${damaged}\u00ff\u0001garbage\n\n${encodeOpened(ledgerEntry('c'))}${encodeForgotten('a')}`,
  );
  const log = recordingLog();
  const journal = await open(t, { directory, log });
  assert.deepEqual(await journal.orphans(), [ledgerEntry('c')]);
  assert.deepEqual(
    log.lines.all.map(({ level, message, facts }) => [level, message, facts['lostRecords'], facts['readEntries']]),
    [['error', 'a journal is damaged: what could be read is used, the file is kept', 3, 1]],
  );
  await journal.close();
  assert.ok((await readdir(directory)).some((file) => file.endsWith('.journal.damaged')));
  const next = await open(t, { directory, log });
  assert.deepEqual(await next.orphans(), [ledgerEntry('c')]);
  assert.equal(log.lines.all.length, 1);
});

test('random bytes in place of a journal stop nothing', async (t) => {
  const directory = await temporaryDirectory();
  await leaveBehind(directory, Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7_919) % 251)));
  const journal = await open(t, { directory });
  assert.deepEqual(await journal.orphans(), []);
  assert.equal(journal.problem, null);
});

test('files of others in the directory are left alone', async (t) => {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, 'notes.journal'), 'mine');
  const journal = await open(t, { directory });
  assert.deepEqual(await journal.orphans(), []);
  await journal.close();
  assert.deepEqual(await readdir(directory), ['notes.journal']);
});

test('what a process left that died between its file and its lock is swept, and so is a lock without a file', async (t) => {
  const directory = await temporaryDirectory();
  await leaveBehind(directory, '');
  await writeFile(join(directory, 'abc-1-0123abcd.lock'), '');
  const journal = await open(t, { directory });
  assert.deepEqual(await journal.orphans(), []);
  await journal.close();
  assert.deepEqual(await readdir(directory), []);
});

test('100,000 orphans are handed out within a second, and are in the heir’s own file soon after', async (t) => {
  const directory = await temporaryDirectory();
  const file = await leaveBehind(directory, '');
  const count = 100_000;
  for (let start = 0; start < count; start += 10_000) {
    const entries = Array.from({ length: 10_000 }, (_, number) => encodeOpened(ledgerEntry(`key-${start + number}`)));
    await appendFile(file, entries.join(''));
  }
  const journal = await open(t, { directory });
  const start = performance.now();
  const orphans = await journal.orphans();
  const ms = performance.now() - start;
  t.diagnostic(`${count} orphans in ${Math.round(ms)} ms`);
  assert.equal(orphans.length, count);
  assert.ok(ms < 3_000, `${ms} ms`); // under a second alone; tests share the machine
  await journal.close();
  const heir = await open(t, { directory });
  assert.equal((await heir.orphans()).length, count);
});

test('with process ids of their own (containers), pid 1 adopts what a dead pid 1 left and nothing of a living one', async (t) => {
  const wrapper = ['unshare', '--pid', '--fork', '--kill-child'];
  if (spawnSync('unshare', [...wrapper.slice(1), 'true']).status !== 0) return t.skip('no process namespaces here');
  const directory = await temporaryDirectory();
  const first = await startMember(t, directory, { wrapper });
  await first.ledger.opened(ledgerEntry('a'));
  const second = await startMember(t, directory, { wrapper });
  assert.deepEqual([first.pid, second.pid], [1, 1]);
  assert.deepEqual(await second.ledger.orphans(), []);
  await first.die();
  assert.deepEqual(await second.ledger.orphans(), [ledgerEntry('a')]);
});

/** What a dead process left. */
async function leaveBehind(directory: string, content: string | Buffer): Promise<string> {
  const file = join(directory, 'mwabc123-1-0badcafe.0.journal');
  await writeFile(file, content);
  return file;
}

async function bytesIn(directory: string): Promise<number> {
  const sizes = (await readdir(directory)).map((file) =>
    readFile(join(directory, file)).then(
      (content) => content.length,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

for (const name of ['mwabc123-2-0badcafe.0.journal', 'mwabc123-2-0badcafe.lock', 'mwabc123-1-0badcafe.1.journal']) {
  test(
    `a FIFO called ${name} holds nobody up: the orphans of others are told, and the log says what it is`,
    { timeout: 10_000 },
    async (t) => {
      const directory = await temporaryDirectory();
      await leaveBehind(directory, encodeOpened(ledgerEntry('a')));
      assert.equal(spawnSync('mkfifo', [join(directory, name)]).status, 0);
      const log = recordingLog();
      const journal = await open(t, { directory, log });
      assert.deepEqual(await journal.orphans(), [ledgerEntry('a')]);
      assert.match(log.lines.all.map(({ facts }) => `${String(facts['err'])} ${String(facts['because'])}`).join(), /not a regular file/);
    },
  );
}
