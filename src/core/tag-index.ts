import type { Connection } from './connection.ts';

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
