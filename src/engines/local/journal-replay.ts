import { createReadStream } from 'node:fs';
import { lstat } from 'node:fs/promises';
import type { LedgerEntry } from '../../core/ports.ts';
import { decodeLine, Lines } from './journal-record.ts';

const CHUNK_BYTES = 1_048_576;

export type Damage = {
  readonly file: string;
  readonly lostRecords: number;
  readonly lostBytes: number;
  /** What the file system said; null where it gave all bytes, and some make no sense. */
  readonly because: string | null;
};

export type Replay = { readonly entries: ReadonlyMap<string, LedgerEntry>; readonly damages: readonly Damage[] };

/** What was open when the last of these files ended. They are read in order, and all that can be read is used. Never throws. */
export async function replay(files: readonly string[]): Promise<Replay> {
  const entries = new Map<string, LedgerEntry>();
  const damages: Damage[] = [];
  for (const file of files) {
    const damage = await replayFile(file, entries);
    if (damage !== null) damages.push(damage);
  }
  return { entries, damages };
}

async function replayFile(file: string, entries: Map<string, LedgerEntry>): Promise<Damage | null> {
  const lines = new Lines();
  let lostRecords = 0;
  let lostBytes = 0;
  let because: string | null = null;
  try {
    if (!(await lstat(file)).isFile()) throw new Error('it is not a regular file'); // reading a FIFO or a device would wait for ever
    for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
      for (const line of lines.of(chunk)) {
        const record = decodeLine(line);
        if (record === null) {
          lostRecords += 1;
          lostBytes += line.length + 1;
        } else if (typeof record === 'string') entries.delete(record);
        else entries.set(record.key, record);
      }
    }
  } catch (error) {
    because = String(error);
  }
  // A last line without an end is what a crash leaves: its open was not acknowledged yet, nothing is lost.
  return lostRecords === 0 && because === null ? null : { file, lostRecords, lostBytes, because };
}
