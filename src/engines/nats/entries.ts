import type { LedgerEntry } from '../../core/ports.ts';
import { ENTRY } from '../envelope-schemas.ts';
import type { Connection } from './connection.ts';

/**
 * Entries of the ledger, each under a key of its own. One goes by its number in the stream, which leaves nothing behind:
 * the marks that the bucket's own way of deleting leaves would grow with every client that ever came.
 */
export class Entries {
  readonly #connection: Connection;
  readonly #bucket: string;
  /** The number of each entry in the stream, once the server has taken it. */
  readonly #numbers = new Map<string, number | Promise<number>>();

  constructor(connection: Connection, bucket: string) {
    this.#connection = connection;
    this.#bucket = bucket;
  }

  async write(estate: string, opened: readonly LedgerEntry[], forgotten: readonly string[]): Promise<void> {
    await Promise.all([
      ...opened.map((entry) => this.#put(estate, entry)),
      ...forgotten.map(async (key) => {
        const number = await this.#numbers.get(key);
        this.#numbers.delete(key);
        if (number !== undefined) await this.remove(number);
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

  /** Everything under these keys. */
  async purge(keys: string): Promise<void> {
    await this.#connection.session.manager.streams.purge(`KV_${this.#bucket}`, { filter: `$KV.${this.#bucket}.${keys}` });
  }

  /** The value with this number, and no other that the key may have had since. */
  async remove(number: number): Promise<void> {
    try {
      await this.#connection.session.manager.streams.deleteMessage(`KV_${this.#bucket}`, number, false);
    } catch (error) {
      if (!(error instanceof this.#connection.apiError)) throw error; // else the server says that it is not there
    }
  }

  async #put(estate: string, entry: LedgerEntry): Promise<void> {
    const coming = this.#connection.session.kv.put(keyOf(estate, entry.key), JSON.stringify(entry));
    this.#numbers.set(entry.key, coming);
    try {
      const number = await coming;
      if (this.#numbers.get(entry.key) === coming) this.#numbers.set(entry.key, number);
    } catch (error) {
      if (this.#numbers.get(entry.key) === coming) this.#numbers.delete(entry.key);
      throw error;
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
