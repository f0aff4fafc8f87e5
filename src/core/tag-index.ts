import type { Connection } from './connection.ts';
import { PARAMETER_NAMES } from './selector.ts';

export const MAX_TAGS = 64;
/** The most bytes that key and value may have together, as UTF-8. */
export const MAX_TAG_BYTES = 128;

/** What is wrong with a connection's tags (docs/selections.md#tags), or null. */
export function tagProblem(tags: ReadonlyMap<string, string>): string | null {
  if (tags.size > MAX_TAGS) return `a connection may have ${MAX_TAGS} tags, not ${tags.size}`;
  for (const [key, value] of tags) {
    if (key === '') return 'a tag needs a key';
    if (PARAMETER_NAMES.has(key)) return `no tag may be called ${key}: selections have a parameter of that name`;
    if (Buffer.byteLength(key) + Buffer.byteLength(value) > MAX_TAG_BYTES)
      return `a tag may have ${MAX_TAG_BYTES} bytes, ${JSON.stringify(key.slice(0, 40))} has more`;
  }
  return null;
}

/**
 * Which connections have which tag. Exact at every moment: a replaced or deleted value leaves its entry, and an entry
 * without connections is gone (wsgateway's index kept both).
 */
export class TagIndex {
  readonly #byKey = new Map<string, Map<string, Set<Connection>>>();

  add(connection: Connection, key: string, value: string): void {
    let byValue = this.#byKey.get(key);
    if (byValue === undefined) {
      byValue = new Map();
      this.#byKey.set(key, byValue);
    }
    let holders = byValue.get(value);
    if (holders === undefined) {
      holders = new Set();
      byValue.set(value, holders);
    }
    holders.add(connection);
  }

  remove(connection: Connection, key: string, value: string): void {
    const byValue = this.#byKey.get(key);
    const holders = byValue?.get(value);
    if (byValue === undefined || holders === undefined) return;
    holders.delete(connection);
    if (holders.size === 0) byValue.delete(value);
    if (byValue.size === 0) this.#byKey.delete(key);
  }

  holders(key: string, value: string): ReadonlySet<Connection> {
    return this.#byKey.get(key)?.get(value) ?? NOBODY;
  }

  /** Every key with its values and how many connections have each. */
  tree(): Record<string, Record<string, number>> {
    const tree: Record<string, Record<string, number>> = Object.create(null) as Record<string, Record<string, number>>;
    for (const [key, byValue] of this.#byKey) {
      const counts: Record<string, number> = Object.create(null) as Record<string, number>;
      for (const [value, holders] of byValue) counts[value] = holders.size;
      tree[key] = counts;
    }
    return tree;
  }

  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }
}

const NOBODY: ReadonlySet<Connection> = new Set();
