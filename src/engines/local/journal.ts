import type { FileHandle } from 'node:fs/promises';
import type { Clock, Ledger, LedgerEntry, Log, Timer } from '../../core/ports.ts';
import { systemClock } from '../../core/system-clock.ts';
import { Incarnation } from './journal-incarnation.ts';
import { encodeForgotten, encodeOpened } from './journal-record.ts';
import { replay } from './journal-replay.ts';
import { Writer } from './journal-writer.ts';

export type JournalOptions = {
  /** Created if need be. Any number of processes may share it. */
  readonly directory: string;
  readonly log: Log;
  readonly clock?: Clock;
  /** A file over this, and over twice what is open, is replaced by one that holds what is open only. */
  readonly maxBytes?: number;
  /** Least time between two writes. The longest that an `open` waits for others, and what bounds the journal's cost. */
  readonly writeEveryMs?: number;
  /** How long a write may take until the disk counts as failed and clients are let in without it. */
  readonly patienceMs?: number;
  /** Time between two attempts to use a disk again that failed, and between two looks whether our file is still there. */
  readonly retryMs?: number;
  /** Writes all of `data` to the end of the file, or rejects. */
  readonly append?: (file: FileHandle, data: Buffer) => Promise<void>;
};

const COPY_ENTRIES = 1_024;

/**
 * Remembers open connections in files, across the death of the process (not of the machine: no fsync). Every process
 * appends to files of its own, and adopts those of dead ones when asked for `orphans`. A disk that fails costs the
 * guarantee, not the service: all resolves as ever, `problem` tells, and once the disk is back what is open is written again.
 */
export async function createJournal(options: JournalOptions): Promise<Ledger> {
  const journal = new Journal({
    clock: systemClock,
    maxBytes: 16_777_216,
    writeEveryMs: 10,
    patienceMs: 2_000,
    retryMs: 1_000,
    append: (file, data) => file.appendFile(data),
    ...options,
  });
  await journal.start();
  return journal;
}

class Journal implements Ledger {
  readonly level = 'process';
  problem: string | null = null;
  readonly #options: Required<JournalOptions>;
  /** What the files should say: what is open here, and adopted orphans whose `close` is not acknowledged yet. */
  readonly #living = new Map<string, LedgerEntry>();
  #own: Incarnation | null = null;
  #writer: Writer | null = null;
  #rewriteAtBytes = Infinity;
  #isRewriting = false;
  #sweeping: Promise<void> = Promise.resolve();
  #copying: Promise<unknown> = Promise.resolve();
  /** Incarnations whose files stay, because the disk failed before their entries were written to ours. */
  #retired: Incarnation[] = [];
  #retry: Timer | null = null;
  #adopting: Promise<unknown> = Promise.resolve();
  readonly #unadoptable = new Set<string>();
  #closing: Promise<void> | null = null;

  constructor(options: Required<JournalOptions>) {
    this.#options = options;
  }

  async start(): Promise<void> {
    try {
      await this.#sweeping;
      const { incarnation, file } = await Incarnation.begin(this.#options.directory);
      this.#own = incarnation;
      this.#writer = this.#write(file);
    } catch (error) {
      return this.#failed(error);
    }
    if (this.#closing !== null) return this.#leave();
    if (!(await this.#copy([...this.#living.values()], this.#retired.splice(0))) || this.problem === null) return;
    this.problem = null;
    this.#options.log.info({ entries: this.#living.size }, 'the journal is whole again');
  }

  opened(entry: LedgerEntry): Promise<void> | void {
    this.#living.set(entry.key, entry);
    const written = this.#writer?.write(encodeOpened(entry));
    this.#checkSize();
    return written;
  }

  forget(key: string): void {
    if (!this.#living.delete(key)) return;
    this.#writer?.writeLater(encodeForgotten(key));
    this.#checkSize();
  }

  orphans(): Promise<readonly LedgerEntry[]> {
    const orphans = this.#adopting.then(() => this.#adoptAll());
    this.#adopting = orphans;
    return orphans;
  }

  close(): Promise<void> {
    this.#closing ??= this.#adopting.then(() => this.#leave());
    return this.#closing;
  }

  #write(file: FileHandle): Writer {
    const { clock, writeEveryMs: everyMs, patienceMs, retryMs: lookEveryMs, append } = this.#options;
    const writer = new Writer({
      file,
      clock,
      everyMs,
      patienceMs,
      lookEveryMs,
      append,
      failed: (error) => {
        if (writer === this.#writer) this.#failed(error);
      },
    });
    return writer;
  }

  /** The guarantee is lost from here on; said once, until it is back. */
  #failed(error: unknown): void {
    const { log, clock, directory, retryMs } = this.#options;
    const own = this.#own;
    const wasWhole = this.problem === null;
    this.#own = null;
    this.#writer = null;
    this.problem = `the journal in ${directory} cannot be written: ${error instanceof Error ? error.message : String(error)}`;
    if (wasWhole) log.error({ err: error, directory, retryMs }, 'the journal cannot be written: a crash now would lose close events');
    if (own !== null && wasWhole) this.#retired.push(own);
    else if (own !== null) this.#sweeping = own.remove(); // an attempt that failed: the files that count are older
    if (this.#closing === null) this.#retry = clock.after(retryMs, () => void this.start());
  }

  /** Writes these to our file, piece by piece between what else is written. Then, and only then, the retired can go. */
  #copy(entries: readonly LedgerEntry[], retired: readonly Incarnation[]): Promise<boolean> {
    const copied = this.#copyPieces(entries, retired);
    this.#copying = Promise.all([this.#copying, copied]);
    return copied;
  }

  async #copyPieces(entries: readonly LedgerEntry[], retired: readonly Incarnation[]): Promise<boolean> {
    const own = this.#own;
    for (let start = 0; start < entries.length && own === this.#own; start += COPY_ENTRIES) {
      const alive = entries.slice(start, start + COPY_ENTRIES).filter((entry) => this.#living.get(entry.key) === entry);
      await this.#writer?.write(alive.map(encodeOpened).join(''));
    }
    if (this.#writer === null || own !== this.#own) {
      this.#retired.push(...retired);
      return false;
    }
    this.#rewriteAtBytes = Math.max(this.#options.maxBytes, this.#writer.bytes * 2);
    for (const incarnation of retired) await incarnation.remove();
    return true;
  }

  #checkSize(): void {
    if (this.#isRewriting || this.#writer === null || this.#own === null || this.#writer.bytes < this.#rewriteAtBytes) return;
    this.#isRewriting = true;
    this.#copying = Promise.all([this.#copying, this.#rewrite(this.#own, this.#writer)]);
  }

  async #rewrite(own: Incarnation, old: Writer): Promise<void> {
    try {
      const file = await own.addSegment();
      if (old !== this.#writer) return await file.close();
      this.#writer = this.#write(file);
      await old.end();
      if (await this.#copyPieces([...this.#living.values()], [])) await own.removeOldSegments();
    } catch (error) {
      if (old === this.#writer) this.#failed(error);
    } finally {
      this.#isRewriting = false;
    }
  }

  async #adoptAll(): Promise<LedgerEntry[]> {
    const { directory, log } = this.#options;
    const orphans: LedgerEntry[] = [];
    const adopted: Incarnation[] = [];
    if (this.#closing !== null) return orphans;
    try {
      for (const name of await Incarnation.names(directory)) {
        if (name === this.#own?.name || this.#unadoptable.has(name)) continue;
        const incarnation = await this.#adopt(name);
        if (incarnation === null) continue;
        adopted.push(incarnation);
        orphans.push(...(await this.#read(incarnation)));
      }
    } catch (error) {
      if (this.problem === null) log.error({ err: error, directory }, 'the journal cannot be searched for what dead processes left');
    }
    if (adopted.length > 0) void this.#copy(orphans, adopted);
    return orphans;
  }

  async #adopt(name: string): Promise<Incarnation | null> {
    const { directory, log } = this.#options;
    try {
      return await Incarnation.adopt(directory, name);
    } catch (error) {
      this.#unadoptable.add(name);
      log.error({ err: error, directory, name }, 'the journal of another process cannot be locked, its close events stay untold');
      return null;
    }
  }

  async #read(incarnation: Incarnation): Promise<LedgerEntry[]> {
    const { entries, damages } = await replay(incarnation.files);
    for (const damage of damages) {
      this.#options.log.error(
        { ...damage, readEntries: entries.size },
        'a journal is damaged: what could be read is used, the file is kept',
      );
    }
    incarnation.keepAside(damages.map(({ file }) => file));
    const orphans = [...entries.values()].filter(({ key }) => !this.#living.has(key));
    for (const entry of orphans) this.#living.set(entry.key, entry);
    return orphans;
  }

  /** What is not acknowledged stays in the files, for the next process. */
  async #leave(): Promise<void> {
    this.#retry?.cancel();
    await this.#copying;
    await this.#writer?.end();
    this.#writer = null;
    await this.#sweeping;
    const incarnations = [...this.#retired.splice(0), ...(this.#own === null ? [] : [this.#own])];
    for (const incarnation of incarnations) {
      if (this.#living.size === 0) await incarnation.remove();
      else incarnation.release();
    }
    if (this.problem !== null && this.#living.size > 0) {
      this.#options.log.error(
        { entries: this.#living.size, problem: this.problem },
        'the journal ends without entries that it could not write',
      );
    }
  }
}
