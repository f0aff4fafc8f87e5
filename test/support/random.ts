/** A seeded generator (mulberry32): the same seed, the same bytes. */
export type Random = {
  readonly below: (limit: number) => number;
  readonly bytes: (length: number) => Buffer;
  readonly pick: <Item>(items: readonly Item[]) => Item;
};

export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number): number => next() % limit;
  return {
    below,
    bytes(length) {
      const bytes = Buffer.allocUnsafe(length);
      for (let at = 0; at < length; at += 1) bytes[at] = next() & 255;
      return bytes;
    },
    pick: (items) => items[below(items.length)] as (typeof items)[number],
  };
}
