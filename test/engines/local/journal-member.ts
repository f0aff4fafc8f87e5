import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { LedgerEntry } from '../../../src/core/ports.ts';
import type { JournalOptions } from '../../../src/engines/local/journal.ts';
import type { LedgerMember } from '../../contracts/ledger.ts';
import { Arrivals } from '../../support/arrivals.ts';
import { pidOf, signalTo } from '../../support/signals.ts';
import type { Order, Reply } from './journal-process.ts';

const PROGRAM = fileURLToPath(new URL('journal-process.ts', import.meta.url));

export type JournalMember = LedgerMember & {
  readonly openedAll: (entries: readonly LedgerEntry[]) => Promise<void>;
  /** Opens and forgets without end; resolves when this batch is acknowledged. */
  readonly churnUntil: (batch: number) => Promise<void>;
  /** The last batch that it said was acknowledged. */
  readonly lastBatch: () => number;
  /** As the process sees itself. */
  readonly pid: number;
};

const directories: string[] = [];
after(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true }))));

/** Removed when all tests of the file are over: hooks of one test run in the order in which they were made, and a journal that is closed later still writes. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'journal-'));
  directories.push(directory);
  return directory;
}

type Settings = {
  /** A command line to put before that of the process. */
  readonly wrapper?: readonly string[];
  readonly options?: Partial<Pick<JournalOptions, 'maxBytes' | 'writeEveryMs'>>;
};

/** A process with a journal, killed when the test ends. */
export async function startMember(
  t: TestContext,
  directory: string,
  { wrapper = [], options = {} }: Settings = {},
): Promise<JournalMember> {
  const child = spawn('env', ['--', ...wrapper, process.execPath, PROGRAM, directory, JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const batches = new Arrivals<number>();
  child.on('message', ({ batch }: Reply) => batch !== undefined && batches.add(batch));
  const exited = once(child, 'exit');
  const die = async () => {
    if (child.exitCode === null && child.signalCode === null) signalTo(wrapper.length === 0 ? pidOf(child) : onlyChildOf(child), 'SIGKILL');
    await exited; // the wrapper's, once its child is gone
  };
  t.after(die);
  const ended = exited.then(([code, signal]) => Promise.reject(new Error(`the process ended: ${String(code ?? signal)}`)));
  ended.catch(() => {});
  let last: Promise<unknown> = Promise.resolve();
  const ask = (order: Order): Promise<Reply> => {
    const reply = last.then(() => {
      child.send(order);
      return Promise.race([answer(child), ended]);
    });
    last = reply;
    return reply;
  };
  const { pid } = await Promise.race([answer(child), ended]);
  return {
    pid,
    die,
    openedAll: async (entries) => void (await ask({ type: 'opened', entries })),
    churnUntil: async (batch) => {
      child.send({ type: 'churn' } satisfies Order);
      await batches.first((acknowledged) => acknowledged >= batch);
    },
    lastBatch: () => batches.all.at(-1) ?? -1,
    ledger: {
      opened: async (entry) => void (await ask({ type: 'opened', entries: [entry] })),
      forget: async (key) => void (await ask({ type: 'forget', key })),
      orphans: async () => (await ask({ type: 'orphans' })).entries.filter(({ key }) => key !== 'pulse'),
      close: async () => {
        await ask({ type: 'close' });
        await die();
      },
    },
  };
}

function onlyChildOf(child: ChildProcess): number {
  const pid = pidOf(child);
  return Number.parseInt(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1'), 10) || pid;
}

async function answer(child: ChildProcess): Promise<Reply> {
  const [reply] = (await once(child, 'message')) as [Reply];
  return reply;
}
