/**
 * What a journal costs: CPU of opened + forget per connection, against no journal, at 2,000/s and saturated.
 *
 *   node bench/journal.ts [directory]
 *
 * CPU is that of the whole process, threads of the pool included. Figures are in docs/decisions/0001-journal.md.
 */
import { createWriteStream, mkdtempSync, openSync, rmSync, write, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import type { LedgerEntry } from '../src/core/ports.ts';
import { createJournal } from '../src/engines/local/journal.ts';

type Candidate = {
  readonly opened: (entry: LedgerEntry) => Promise<void> | void;
  readonly forget: (key: string) => void;
  readonly close: () => Promise<void> | void;
};

/** Microseconds: of the whole process, and of the event loop's thread alone. */
type Cost = { all: number; loop: number };

const PER_SECOND = 2_000;
/** Arrivals per window, windows per run. */
const WINDOW = 200;
const WINDOWS = 100;
const WARM_UP_WINDOWS = 10;
const SATURATED = 200_000;
/** Connections that are open at any time. */
const OPEN = 500;

const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'journal-bench-'));

const candidates: Record<string, () => Candidate | Promise<Candidate>> = {
  none: () => ({ opened: () => {}, forget: () => {}, close: () => {} }),
  'node:sqlite, WAL, a transaction per turn': sqlite,
  'append-only, write(2) per record': appendEach,
  'append-only, writeSync per turn': () => appendPerTurn((fd, data, done) => done(writeSync(fd, data))),
  'append-only, write per turn': () => appendPerTurn((fd, data, done) => write(fd, data, (_error, written) => done(written))),
  'append-only, stream': appendStream,
  'the journal (src/engines/local/journal.ts)': () =>
    createJournal({
      directory: join(directory, 'journal'),
      log: { error: console.error, warn: console.error, info: () => {}, debug: () => {}, isDebugging: false },
    }),
};

function sqlite(): Candidate {
  const database = new DatabaseSync(join(directory, 'journal.sqlite'));
  database.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF');
  database.exec('CREATE TABLE entries (key TEXT PRIMARY KEY, entry TEXT NOT NULL) WITHOUT ROWID');
  const insert = database.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?)');
  const remove = database.prepare('DELETE FROM entries WHERE key = ?');
  const begin = database.prepare('BEGIN');
  const commit = database.prepare('COMMIT');
  let forgotten: string[] = [];
  let turn = Promise.withResolvers<void>();
  let isScheduled = false;
  const flush = () => {
    isScheduled = false;
    for (const key of forgotten) remove.run(key);
    forgotten = [];
    commit.run();
    turn.resolve();
    turn = Promise.withResolvers<void>();
  };
  return {
    opened(entry) {
      if (!isScheduled) {
        isScheduled = true;
        begin.run();
        setImmediate(flush);
      }
      insert.run(entry.key, JSON.stringify(entry));
      return turn.promise;
    },
    forget: (key) => void forgotten.push(key),
    close: () => database.close(),
  };
}

function line(record: LedgerEntry | string): string {
  const json = JSON.stringify(record);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

function appendEach(): Candidate {
  const fd = openSync(join(directory, 'each.log'), 'a');
  return {
    opened: (entry) => void writeSync(fd, line(entry)),
    forget: (key) => void writeSync(fd, line(key)),
    close: () => {},
  };
}

function appendPerTurn(append: (fd: number, data: Buffer, done: (written: number) => void) => void): Candidate {
  const fd = openSync(join(directory, 'turn.log'), 'a');
  let pending = '';
  let turn = Promise.withResolvers<void>();
  let isScheduled = false;
  const flush = () => {
    const written = turn;
    const data = Buffer.from(pending);
    turn = Promise.withResolvers<void>();
    pending = '';
    append(fd, data, () => {
      written.resolve();
      isScheduled = false;
      if (pending !== '') schedule();
    });
  };
  const schedule = () => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(flush);
  };
  return {
    opened(entry) {
      pending += line(entry);
      schedule();
      return turn.promise;
    },
    forget(key) {
      pending += line(key);
    },
    close: () => {},
  };
}

function appendStream(): Candidate {
  const stream = createWriteStream(join(directory, 'stream.log'), { flags: 'a' });
  return {
    opened: (entry) => new Promise<void>((resolve) => stream.write(line(entry), () => resolve())),
    forget: (key) => void stream.write(line(key)),
    close: () => void stream.end(),
  };
}

function entry(number: number): LedgerEntry {
  const id = `${'A'.repeat(20)}${number}`;
  return { key: id, id, route: 'default', path: '/chat/4711?room=1', tags: { room: 'lobby', user: `u${number}` }, data: null };
}

/** A turn of the loop for each arrival, as clients come: the ticks are messages of another thread. */
const TICKS = `
  const { parentPort, workerData } = require('node:worker_threads');
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const start = performance.now();
  for (let tick = 0; tick < workerData.ticks; tick += 1) {
    const wait = start + (tick * 1000) / workerData.perSecond - performance.now();
    if (wait > 0) Atomics.wait(cell, 0, 0, wait);
    parentPort.postMessage(tick);
  }
`;

/**
 * Windows with and without the journal take turns, and each arrival costs about what a connect-and-close does: on a
 * machine that others use too, and whose caches are cold when it idles, the bare difference of two runs is mere noise.
 */
async function paced(candidate: Candidate): Promise<Cost> {
  const worker = new Worker(TICKS, { eval: true, workerData: { ticks: WINDOWS * WINDOW, perSecond: PER_SECOND } });
  const sums = [newCost(), newCost()] as const;
  const open: string[] = [];
  let all = process.cpuUsage();
  let loop = process.threadCpuUsage();
  worker.on('message', (tick: number) => {
    const window = Math.floor(tick / WINDOW);
    if (tick % WINDOW === 0) {
      all = process.cpuUsage();
      loop = process.threadCpuUsage();
    }
    connectAndClose();
    if (window % 2 === 1) {
      void candidate.opened(entry(tick));
      open.push(`${'A'.repeat(20)}${tick}`);
      if (open.length > OPEN) candidate.forget(open.shift() ?? '');
    }
    if (tick % WINDOW === WINDOW - 1 && window >= WARM_UP_WINDOWS) {
      const sum = sums[window % 2 === 1 ? 1 : 0];
      sum.all += microseconds(process.cpuUsage(all));
      sum.loop += microseconds(process.threadCpuUsage(loop));
    }
  });
  await new Promise((resolve) => worker.once('exit', resolve));
  const count = ((WINDOWS - WARM_UP_WINDOWS) / 2) * WINDOW;
  return { all: (sums[1].all - sums[0].all) / count, loop: (sums[1].loop - sums[0].loop) / count };
}

async function saturated(candidate: Candidate): Promise<Cost> {
  const all = process.cpuUsage();
  const loop = process.threadCpuUsage();
  let number = 0;
  const client = async () => {
    while (number < SATURATED) {
      const { key } = entry(number);
      await candidate.opened(entry(number++));
      await new Promise((resolve) => setImmediate(resolve));
      candidate.forget(key);
    }
  };
  await Promise.all(Array.from({ length: OPEN }, client));
  return { all: microseconds(process.cpuUsage(all)) / SATURATED, loop: microseconds(process.threadCpuUsage(loop)) / SATURATED };
}

function newCost(): Cost {
  return { all: 0, loop: 0 };
}

function microseconds(usage: { user: number; system: number }): number {
  return usage.user + usage.system;
}

const headers = JSON.stringify(
  Array.from({ length: 300 }, (_, index) => ({ name: `header-${index}`, value: 'x'.repeat(index % 40), index })),
);

/** Stands for the work of the gateway, about 200 µs of it. */
function connectAndClose(): number {
  return JSON.stringify(JSON.parse(headers)).length;
}

console.log('µs of CPU per opened + forget (of these, in the event loop)');
let idle = newCost();
for (const [name, create] of Object.entries(candidates)) {
  const candidate = await create();
  const busy = await saturated(candidate);
  const calm = await paced(candidate);
  await new Promise((resolve) => setTimeout(resolve, 100)); // what was put off
  await candidate.close();
  if (name === 'none') idle = busy;
  console.log(
    `${name.padEnd(44)} at ${PER_SECOND}/s ${calm.all.toFixed(1)} (${calm.loop.toFixed(1)})   saturated ${(busy.all - idle.all).toFixed(1)} (${(busy.loop - idle.loop).toFixed(1)})`,
  );
}
rmSync(directory, { recursive: true, force: true });
