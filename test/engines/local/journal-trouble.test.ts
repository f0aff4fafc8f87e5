import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Ledger, LedgerEntry, Log } from '../../../src/core/ports.ts';
import { createJournal, type JournalOptions } from '../../../src/engines/local/journal.ts';
import { ledgerEntry } from '../../contracts/ledger.ts';
import { Arrivals } from '../../support/arrivals.ts';
import { recordingLog } from './journal-log.ts';
import { temporaryDirectory } from './journal-member.ts';

const BAD = 'the journal cannot be written: a crash now would lose close events';
const GOOD = 'the journal is whole again';

async function open(t: TestContext, options: Partial<JournalOptions> & { readonly directory: string; readonly log: Log }): Promise<Ledger> {
  const journal = await createJournal({ retryMs: 20, writeEveryMs: 1, ...options });
  t.after(() => journal.close());
  return journal;
}

/** What the next process would find, without asking this one to end: read as bytes, since its files are locked. */
async function keysOnDisk(directory: string): Promise<string[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.journal'));
  const text = (await Promise.all(files.map((file) => readFile(join(directory, file), 'utf8')))).join('');
  return [...new Set(Array.from(text.matchAll(/id-of-([a-z0-9-]+)/g), ([, key]) => key ?? ''))].toSorted();
}

test('a disk that fails: clients are still let in, the log says so once, and all that is open is written when it is back', async (t) => {
  const directory = await temporaryDirectory();
  const log = recordingLog();
  let failure: Error | null = null;
  const append = (file: FileHandle, data: Buffer) => (failure === null ? file.appendFile(data) : Promise.reject(failure));
  const journal = await open(t, { directory, log, append });
  await journal.opened(ledgerEntry('before'));
  await journal.opened(ledgerEntry('left'));

  failure = new Error('EIO: i/o error, write');
  await journal.opened(ledgerEntry('during'));
  journal.forget('left');
  assert.match(journal.problem ?? '', /EIO: i\/o error/);
  for (let number = 0; number < 5; number += 1) await journal.opened(ledgerEntry(`more-${number}`));
  for (let number = 0; number < 5; number += 1) journal.forget(`more-${number}`);
  assert.deepEqual(
    log.lines.all.map(({ level, message }) => [level, message]),
    [['error', BAD]],
  );

  failure = null;
  await log.lines.first(({ message }) => message === GOOD);
  assert.equal(journal.problem, null);
  assert.deepEqual(await keysOnDisk(directory), ['before', 'during']);
  assert.equal(log.lines.all.length, 2);
});

test('a disk that stays broken costs neither descriptors nor files', async (t) => {
  const directory = await temporaryDirectory();
  const log = recordingLog();
  const attempts = new Arrivals<number>();
  const append = () => {
    attempts.add(attempts.all.length);
    return Promise.reject(new Error('ENOSPC: no space left on device, write'));
  };
  const journal = await open(t, { directory, log, append, retryMs: 1 });
  await journal.opened(ledgerEntry('a'));
  await attempts.atLeast(5);
  const descriptors = (await readdir('/proc/self/fd').catch(() => [])).length;
  await attempts.atLeast(50);
  assert.ok((await readdir('/proc/self/fd').catch(() => [])).length <= descriptors + 4);
  assert.ok((await readdir(directory)).length <= 6);
  await journal.close();
  assert.deepEqual(
    log.lines.all.map(({ message }) => message),
    [BAD, 'the journal ends without entries that it could not write'],
  );
});

test('a disk that hangs holds a client up for a moment only, and nobody after it', async (t) => {
  const directory = await temporaryDirectory();
  const log = recordingLog();
  const disk = Promise.withResolvers<void>();
  let isHung = false;
  const append = async (file: FileHandle, data: Buffer) => {
    if (isHung) await disk.promise;
    await file.appendFile(data);
  };
  const journal = await open(t, { directory, log, append, patienceMs: 30 });
  isHung = true;
  await journal.opened(ledgerEntry('a'));
  assert.match(journal.problem ?? '', /did not end within 30 ms/);
  isHung = false;
  disk.resolve();
  await log.lines.first(({ message }) => message === GOOD);
  assert.deepEqual(await keysOnDisk(directory), ['a']);
});

test('a directory that is removed is made again, with what is open', async (t) => {
  const directory = join(await temporaryDirectory(), 'journal');
  const log = recordingLog();
  const journal = await open(t, { directory, log });
  await journal.opened(ledgerEntry('a'));
  await rm(directory, { recursive: true });
  // A removed file still takes what is written to it: the journal has to look.
  while (journal.problem === null) {
    await journal.opened(ledgerEntry('short'));
    journal.forget('short');
  }
  assert.match(journal.problem, /removed/);
  await log.lines.first(({ message }) => message === GOOD);
  assert.deepEqual(
    (await keysOnDisk(directory)).filter((key) => key !== 'short'),
    ['a'],
  );
});

test('a directory that cannot be made stops no start, and is used once it can', async (t) => {
  const directory = join(await temporaryDirectory(), 'journal');
  await writeFile(directory, 'in the way');
  const log = recordingLog();
  const journal = await open(t, { directory, log });
  assert.match(journal.problem ?? '', /EEXIST|ENOTDIR/);
  await journal.opened(ledgerEntry('a'));
  assert.deepEqual(await journal.orphans(), []);
  await rename(directory, `${directory}.old`);
  await log.lines.first(({ message }) => message === GOOD);
  assert.deepEqual(await keysOnDisk(directory), ['a']);
});

test('orphans adopted while the disk fails are handed out, and survive until they can be written', async (t) => {
  const directory = await temporaryDirectory();
  const log = recordingLog();
  const dead = await createJournal({ directory, log });
  await dead.opened(ledgerEntry('orphan'));
  await dead.close();
  let isBroken = true;
  const append = (file: FileHandle, data: Buffer) => (isBroken ? Promise.reject(new Error('EIO')) : file.appendFile(data));
  const journal = await open(t, { directory, log, append });
  await journal.opened(ledgerEntry('a'));
  assert.deepEqual(await journal.orphans(), [ledgerEntry('orphan')]);
  assert.deepEqual(await keysOnDisk(directory), ['orphan']);
  isBroken = false;
  await log.lines.first(({ message }) => message === GOOD);
  assert.deepEqual(await keysOnDisk(directory), ['a', 'orphan']);
  assert.equal((await readdir(directory)).length, 2);
});

test('a disk that is really full (ENOSPC), and has room again', async (t) => {
  let directory = '';
  t.after(() => spawnSync('umount', ['-l', directory])); // first, else the directory cannot be removed
  directory = join(await temporaryDirectory(), 'disk');
  await mkdir(directory);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'journal', directory]).status !== 0) return t.skip('may not mount here');
  const log = recordingLog();
  const filler = join(directory, 'filler');
  const journal = await open(t, { directory, log });
  await journal.opened(ledgerEntry('before'));
  await writeFile(filler, Buffer.alloc(48 * 1_024));
  const crowd: LedgerEntry[] = Array.from({ length: 200 }, (_, number) => ledgerEntry(`crowd-${number}`));
  for (const entry of crowd) await journal.opened(entry);
  assert.match(journal.problem ?? '', /ENOSPC/);
  for (const { key } of crowd.slice(10)) journal.forget(key);
  await rm(filler);
  await log.lines.first(({ message }) => message === GOOD);
  assert.equal(journal.problem, null);
  await journal.close();
  const heir = await open(t, { directory, log });
  assert.deepEqual(
    (await heir.orphans()).map(({ key }) => key).toSorted(),
    ['before', ...crowd.slice(0, 10).map(({ key }) => key)].toSorted(),
  );
  await heir.close();
});
