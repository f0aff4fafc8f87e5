import type { LedgerEntry } from '../../core/ports.ts';
import { ENTRY } from '../envelope-schemas.ts';
import type { Connection } from './connection.ts';

/**
 * Entries of the ledger, each under a key of its own. What goes is purged from the stream, which leaves nothing behind:
 * the marks that the bucket's own way of deleting leaves would grow with every client that ever came.
 */
export class Entries {
  readonly #connection: Connection;
  readonly #bucket: string;
  /** By key, while the server has not taken them yet: what is forgotten meanwhile must go after it has come. */
  readonly #coming = new Map<string, Promise<unknown>>();

  constructor(connection: Connection, bucket: string) {
    this.#connection = connection;
    this.#bucket = bucket;
  }

  async write(estate: string, opened: readonly LedgerEntry[], forgotten: readonly string[]): Promise<void> {
    await Promise.all([
      ...opened.map((entry) => this.#put(keyOf(estate, entry.key), entry)),
      ...forgotten.map(async (key) => {
        await this.#coming.get(keyOf(estate, key));
        await this.purge(keyOf(estate, key));
      }),
    ]);
  }

  async read(estate: string): Promise<readonly LedgerEntry[]> {
    const found: LedgerEntry[] = [];
    for await (const { operation, value } of await this.#connection.session.kv.history({ key: keyOf(estate, '>') })) {
      const entry = operation === 'PUT' ? readEntry(value) : null;
      if (entry !== null) found.push(entry);
    }
    return found;
  }

  /** Everything under these keys, or only what is no newer than this revision. */
  async purge(keys: string, revision: number | null = null): Promise<void> {
    const { manager } = this.#connection.session;
    const filter = `$KV.${this.#bucket}.${keys}`;
    await manager.streams.purge(`KV_${this.#bucket}`, revision === null ? { filter } : { filter, seq: revision + 1 });
  }

  async #put(key: string, entry: LedgerEntry): Promise<void> {
    const coming = this.#connection.session.kv.put(key, JSON.stringify(entry));
    const settled = coming.catch(() => {}); // who waits for it only wants it to be over
    this.#coming.set(key, settled);
    try {
      await coming;
    } finally {
      if (this.#coming.get(key) === settled) this.#coming.delete(key);
    }
  }
}

function keyOf(estate: string, key: string): string {
  return `open.${estate}.${key}`;
}

function readEntry(value: Uint8Array): LedgerEntry | null {
  try {
    const entry: unknown = JSON.parse(Buffer.from(value).toString());
    return ENTRY.Check(entry) ? entry : null;
  } catch {
    return null;
  }
}
