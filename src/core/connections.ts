import { addressOf } from './address.ts';
import type { Connection } from './connection.ts';
import type { Selector } from './selector.ts';
import { TagIndex, tagProblem } from './tag-index.ts';

/** This process's connections, by address and by tag. Exact: an entry is there from reservation until its client is gone. */
export class Connections {
  /** All of them in order of arrival, also those that wait for a client-chosen id or have lost theirs. */
  readonly #all = new Set<Connection>();
  /** Who holds an id: its own from the start where the gateway gives it, and a client-chosen one once it was accepted (docs/routes.md#two-connections-with-one-id). */
  readonly #byAddress = new Map<string, Connection>();
  /** Those of ids that there have been: as many as control paths. */
  readonly #namespaces = new Set(['']);
  /** Those that chose an id and are still being asked about, by its address. */
  readonly #pending = new Map<string, Set<Connection>>();
  readonly #byTag = new TagIndex();

  get size(): number {
    return this.#all.size;
  }

  /** Who holds the id of this address. */
  find(address: string): Connection | undefined {
    return this.#byAddress.get(address);
  }

  /** Those that chose this id and are still being asked about: they hold nothing yet. */
  pending(address: string): ReadonlySet<Connection> {
    return this.#pending.get(address) ?? NOBODY;
  }

  add(connection: Connection): void {
    this.#all.add(connection);
    const { id, key, address, namespace } = connection;
    this.#namespaces.add(namespace);
    if (id === key) this.#byAddress.set(address, connection);
    else this.#pending.set(address, (this.#pending.get(address) ?? new Set()).add(connection));
  }

  /** Gives the connection the id that it chose. Returns who held it until now, if anybody did. */
  take(connection: Connection): Connection | null {
    this.#pendNoMore(connection);
    const holder = this.#byAddress.get(connection.address);
    this.#byAddress.set(connection.address, connection);
    return holder ?? null;
  }

  /** Removes this very connection; another one that has taken its id since stays. False: it was gone already. */
  remove(connection: Connection): boolean {
    if (!this.#all.delete(connection)) return false;
    if (this.#byAddress.get(connection.address) === connection) this.#byAddress.delete(connection.address);
    else this.#pendNoMore(connection);
    for (const [key, value] of connection.tags ?? []) this.#byTag.remove(connection, key, value);
    return true;
  }

  /** Sets tags; an empty value deletes. Says what is wrong and changes nothing, or returns null; what is as before stays the same map. */
  setTags(connection: Connection, changes: Iterable<readonly [string, string]>): string | null {
    const before = connection.tags;
    const after = new Map(before);
    for (const [key, value] of changes) {
      if (value === '') after.delete(key);
      else after.set(key, value);
    }
    const problem = tagProblem(after);
    if (problem !== null) return problem;
    if (connection.state === 'closed' || isAlike(before, after)) return null;
    for (const [key, value] of before ?? []) if (after.get(key) !== value) this.#byTag.remove(connection, key, value);
    for (const [key, value] of after) if (before?.get(key) !== value) this.#byTag.add(connection, key, value);
    connection.tagged(after.size === 0 ? null : after);
    return null;
  }

  /** A snapshot of those that match and are not closing yet, so that the table may change while somebody works through it. */
  select(selector: Selector): Connection[] {
    const excluded = new Set(selector.exclude);
    return this.#match(selector).filter(({ id, state }) => !excluded.has(id) && state !== 'closing');
  }

  /** Those that have all of these tags, whatever their state; starts from the rarest. The table may change meanwhile. */
  *having(tags: Selector['tags']): IterableIterator<Connection> {
    const sets = tags.map(([key, value]) => this.#byTag.holders(key, value)).toSorted((a, b) => a.size - b.size);
    const [rarest, ...others] = sets;
    for (const connection of rarest ?? []) if (others.every((set) => set.has(connection))) yield connection;
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

  #pendNoMore(connection: Connection): void {
    const those = this.#pending.get(connection.address);
    those?.delete(connection);
    if (those?.size === 0) this.#pending.delete(connection.address);
  }

  #match({ type, ids, tags }: Selector): Connection[] {
    switch (type) {
      case 'none':
        return [];
      case 'all':
        return [...this.#all];
      case 'ids':
        return ids
          .flatMap((id) => [...this.#namespaces].map((namespace) => addressOf(namespace, id)))
          .flatMap((address) => [this.find(address), ...this.pending(address)])
          .filter((connection) => connection !== undefined);
      case 'tags':
        return [...this.having(tags)];
    }
  }
}

function isAlike(before: ReadonlyMap<string, string> | null, after: ReadonlyMap<string, string>): boolean {
  if ((before?.size ?? 0) !== after.size) return false;
  for (const [key, value] of after) if (before?.get(key) !== value) return false;
  return true;
}

const NOBODY: ReadonlySet<Connection> = new Set();
