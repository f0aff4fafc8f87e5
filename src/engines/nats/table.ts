import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';

/**
 * Who is in the cluster and whose the estates are: one value in the bucket, changed by compare-and-set, so that every
 * change happens at once or not at all. It grows with processes, not with connections. Times are on the engine's clock.
 */
const shape = Type.Object({
  /** Owner token → end of its lease, and name of its node. */
  members: Type.Record(Type.String(), Type.Object({ ends: Type.Number(), node: Type.String() })),
  /** Estate → owner token of its holder. */
  estates: Type.Record(Type.String(), Type.String()),
  /** Estates that were taken from their first holder, and until when that is remembered. */
  lost: Type.Record(Type.String(), Type.Number()),
});

export type Table = Static<typeof shape>;
const SHAPE = Compile(shape);

/** What is in the bucket; a value that cannot be read is as none. */
export function readTable(text: string): Table {
  try {
    const table: unknown = JSON.parse(text);
    if (SHAPE.Check(table)) return table;
  } catch {
    // somebody else wrote there: leases and estates are written anew
  }
  return { members: {}, estates: {}, lost: {} };
}

export function livingIn({ members }: Table, now: number): [owner: string, node: string][] {
  return Object.entries(members).flatMap(([owner, { ends, node }]) => (ends > now ? [[owner, node] as [string, string]] : []));
}

export function lives({ members }: Table, owner: string, now: number): boolean {
  return Object.hasOwn(members, owner) && (members[owner]?.ends ?? 0) > now;
}

/** Is this estate one that the process made itself? */
export function isOwn(estate: string, owner: string): boolean {
  return estate.startsWith(`${owner}.`);
}

/** Does an estate wait for an heir, or has this process for one and was not read yet? */
export function hasOrphans(table: Table, owner: string, now: number): boolean {
  return Object.entries(table.estates).some(([estate, holder]) => (holder === owner ? !isOwn(estate, owner) : !lives(table, holder, now)));
}

/** Makes this process the holder of what the dead have left. Says what is its own now. */
export function inherit(table: Table, owner: string, { now, fenceMs }: { readonly now: number; readonly fenceMs: number }): string[] {
  const mine: string[] = [];
  for (const [estate, holder] of Object.entries(table.estates)) {
    if (holder === owner) {
      if (!isOwn(estate, owner)) mine.push(estate);
    } else if (!lives(table, holder, now)) {
      table.estates[estate] = owner;
      table.lost[estate] = now + fenceMs;
      mine.push(estate);
    }
  }
  for (const [member, { ends }] of Object.entries(table.members)) if (ends <= now) delete table.members[member];
  for (const [estate, until] of Object.entries(table.lost)) if (until <= now) delete table.lost[estate];
  return mine;
}
