import type { Connection } from './connection.ts';
import type { Selector } from './selector.ts';
import { TagIndex, tagProblem } from './tag-index.ts';

/** This process's connections, by id and by tag. Exact: an entry is there from reservation until its client is gone. */
export class Connections {
  /** All of them in order of arrival, also those that wait for a client-chosen id or have lost theirs. */
  readonly #all = new Set<Connection>();
  readonly #byId = new Map<string, Connection>();
  readonly #byTag = new TagIndex();
  readonly #countByAddress = new Map<string, number>();

  get size(): number {
    return this.#all.size;
  }

  find(id: string): Connection | undefined {
    return this.#byId.get(id);
  }

  /** A client-chosen id that is held already stays with its holder until `take`. */
  add(connection: Connection): void {
    this.#all.add(connection);
    if (!this.#byId.has(connection.id)) this.#byId.set(connection.id, connection);
    this.#countByAddress.set(connection.remoteAddress, this.countOf(connection.remoteAddress) + 1);
  }

  /** Gives the connection its id. Returns who held it until now, if that was another. */
  take(connection: Connection): Connection | null {
    const holder = this.#byId.get(connection.id);
    this.#byId.set(connection.id, connection);
    return holder === undefined || holder === connection ? null : holder;
  }

  /** How many connections this remote address holds. */
  countOf(remoteAddress: string): number {
    return this.#countByAddress.get(remoteAddress) ?? 0;
  }

  /** Removes this very connection; another one that has taken its id since stays. */
  remove(connection: Connection): void {
    if (!this.#all.delete(connection)) return;
    if (this.#byId.get(connection.id) === connection) this.#byId.delete(connection.id);
    for (const [key, value] of connection.tags ?? []) this.#byTag.remove(connection, key, value);
    const count = this.countOf(connection.remoteAddress) - 1;
    if (count > 0) this.#countByAddress.set(connection.remoteAddress, count);
    else this.#countByAddress.delete(connection.remoteAddress);
  }

  /** Sets tags; an empty value deletes. Says what is wrong and changes nothing, or returns null. */
  setTags(connection: Connection, changes: Iterable<readonly [string, string]>): string | null {
    const before = connection.tags;
    const after = new Map(before);
    for (const [key, value] of changes) {
      if (value === '') after.delete(key);
      else after.set(key, value);
    }
    const problem = tagProblem(after);
    if (problem !== null) return problem;
    if (connection.state === 'closed') return null;
    for (const [key, value] of before ?? []) if (after.get(key) !== value) this.#byTag.remove(connection, key, value);
    for (const [key, value] of after) if (before?.get(key) !== value) this.#byTag.add(connection, key, value);
    connection.tagged(after.size === 0 ? null : after);
    return null;
  }

  /** A snapshot of those that match and are not closing yet, so that the table may change while somebody works through it. */
  select(selector: Selector): Connection[] {
    return this.#match(selector).filter(({ id, state }) => id !== selector.exclude && state !== 'closing');
  }

  tree(): Record<string, Record<string, number>> {
    return this.#byTag.tree();
  }

  /** No tag of anybody is left over. */
  get isIndexEmpty(): boolean {
    return this.#byTag.isEmpty;
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#all.values();
  }

  #match({ type, ids, tags }: Selector): Connection[] {
    switch (type) {
      case 'none':
        return [];
      case 'all':
        return [...this.#all];
      case 'ids':
        return ids.map((id) => this.#byId.get(id)).filter((connection) => connection !== undefined);
      case 'tags':
        return this.#withTags(tags);
    }
  }

  /** Starts from the rarest tag. */
  #withTags(tags: Selector['tags']): Connection[] {
    const sets = tags.map(([key, value]) => this.#byTag.holders(key, value)).toSorted((a, b) => a.size - b.size);
    const [rarest, ...others] = sets;
    if (rarest === undefined) return [];
    return [...rarest].filter((connection) => others.every((set) => set.has(connection)));
  }
}
