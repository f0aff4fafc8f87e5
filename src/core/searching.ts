import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Description, Search, SearchQuery } from './commands.ts';
import type { Connection } from './connection.ts';
import type { Connections } from './connections.ts';

export type Found = {
  readonly list: readonly (Description & { readonly serial: number })[];
  /** Up to which serial number was looked, where more is left; null: to the end. */
  readonly reached: number | null;
};

/** Connections that one request examines where no tag narrows them down. */
export const SLICE = 10_000;
/** Longest work before the event loop gets its turn. */
const TURN_MS = 4;
/** Connections between two looks at the clock. */
const STEP = 128;

type Searched = { readonly owner: string; readonly connections: Connections };

/**
 * A page of those that match, in the order of their serial numbers. A whole id is looked up, tags by their index; without
 * either, one request examines so many connections and says how far it came.
 */
export async function search({ owner, connections }: Searched, { search: wanted, after, limit }: SearchQuery): Promise<Found> {
  if (after !== null && owner < after.owner) return { list: [], reached: null };
  const from = after !== null && owner === after.owner ? after.serial : 0;
  const page = new Page(limit);
  if (wanted.id !== null && from === 0) {
    for (const one of connections.select({ type: 'ids', ids: [wanted.id], tags: [], exclude: [] }))
      if (isWanted(one, wanted) && wanted.tags.every(([key, value]) => one.tags?.get(key) === value)) page.add(one);
    if (!page.isEmpty) return page.found();
  }
  const isIndexed = wanted.tags.length > 0;
  let examined = 0;
  let steps = 0;
  let turnEnd = performance.now() + TURN_MS;
  for (const connection of isIndexed ? connections.having(wanted.tags) : connections) {
    steps += 1;
    if (steps % STEP === 0 && performance.now() > turnEnd) {
      await nextTurn();
      turnEnd = performance.now() + TURN_MS;
    }
    if (connection.serial <= from) continue;
    examined += 1;
    if (isWanted(connection, wanted)) page.add(connection);
    if (!isIndexed && (page.isFull || examined === SLICE)) return page.found(connection.serial);
  }
  return page.found();
}

function isWanted({ state, party: { id, path } }: Connection, wanted: Search): boolean {
  if (state === 'connecting' || state === 'closed') return false;
  if (wanted.id !== null && !id.includes(wanted.id)) return false;
  return wanted.path === null || path.includes(wanted.path);
}

/** The smallest serial numbers, in order, of connections that come in any order. */
class Page {
  readonly #limit: number;
  readonly #rows: Connection[] = [];
  #isCut = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#rows.length === 0;
  }

  get isFull(): boolean {
    return this.#rows.length >= this.#limit;
  }

  add(connection: Connection): void {
    const rows = this.#rows;
    let place = rows.length;
    while (place > 0 && (rows[place - 1]?.serial ?? 0) > connection.serial) place -= 1;
    if (rows[place - 1] === connection) return; // its tags changed while we looked
    rows.splice(place, 0, connection);
    if (rows.length <= this.#limit) return;
    rows.pop();
    this.#isCut = true;
  }

  /** `reached`: where the search stopped before its end. */
  found(reached: number | null = null): Found {
    const list = this.#rows.map((one) => ({ ...one.describe(), serial: one.serial }));
    return { list, reached: this.#isCut ? (list.at(-1)?.serial ?? 0) : reached };
  }
}
