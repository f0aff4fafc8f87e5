import { crc32 } from 'node:zlib';
import type { LedgerEntry } from '../../core/ports.ts';

const NEWLINE = 0x0a;
const CHECKSUM_CHARS = 8;
/** Longer than any record (path, tags and data are bounded); what is longer is damage. */
const MAX_LINE_BYTES = 1_048_576;

/**
 * A line of text per record, so that a reader finds its way again behind a damaged one: checksum, space, JSON.
 * An array is an entry, a string the key of one that is forgotten. Fields are named here one by one: what else an
 * object may carry (credentials) is never written.
 */
export function encodeOpened({ key, id, route, path, tags, data }: LedgerEntry): string {
  return encodeLine(JSON.stringify([key, id, route, path, tags, data]));
}

export function encodeForgotten(key: string): string {
  return encodeLine(JSON.stringify(key));
}

function encodeLine(json: string): string {
  return `${crc32(json).toString(16).padStart(CHECKSUM_CHARS, '0')} ${json}\n`;
}

/** An entry, the key of a forgotten one, or null for what is neither. The line comes without its end. */
export function decodeLine(line: Buffer): LedgerEntry | string | null {
  const json = line.subarray(CHECKSUM_CHARS + 1);
  if (Number.parseInt(line.toString('latin1', 0, CHECKSUM_CHARS), 16) !== crc32(json)) return null;
  try {
    return recordOf(JSON.parse(json.toString()));
  } catch {
    return null;
  }
}

function recordOf(record: unknown): LedgerEntry | string | null {
  if (typeof record === 'string') return record;
  if (!Array.isArray(record)) return null;
  const [key, id, route, path, tags, data] = record as readonly unknown[];
  if (typeof key !== 'string' || typeof id !== 'string' || typeof route !== 'string' || typeof path !== 'string') return null;
  if (!isTags(tags) || !(data === null || typeof data === 'string')) return null;
  return { key, id, route, path, tags, data };
}

function isTags(tags: unknown): tags is LedgerEntry['tags'] {
  if (tags === null) return true;
  return typeof tags === 'object' && Object.values(tags).every((value) => typeof value === 'string');
}

/** Cuts chunks of a file into lines. Holds at most one line and one chunk. */
export class Lines {
  #rest: Buffer = Buffer.alloc(0);

  /** What came after the last newline: a record that a crash tore, where the file ends here. */
  get rest(): Buffer {
    return this.#rest;
  }

  *of(chunk: Buffer): Generator<Buffer> {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE, start)) {
      yield data.subarray(start, end);
      start = end + 1;
    }
    this.#rest = data.subarray(start);
    if (this.#rest.length <= MAX_LINE_BYTES) return;
    yield this.#rest;
    this.#rest = Buffer.alloc(0);
  }
}
