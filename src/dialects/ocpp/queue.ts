/**
 * An immutable first-in, first-out queue. Queues that follow from each other share one array, of which each sees its own
 * part: adding and taking cost the same at any length, though no queue ever changes.
 */
export type Queue<Item> = { readonly items: Item[]; readonly head: number; readonly tail: number; readonly bytes: number };

type Sized = { readonly bytes: number };

export const EMPTY_QUEUE: Queue<never> = { items: [], head: 0, tail: 0, bytes: 0 };

export function lengthOf(queue: Queue<unknown>): number {
  return queue.tail - queue.head;
}

export function headOf<Item>(queue: Queue<Item>): Item | undefined {
  return queue.head < queue.tail ? queue.items[queue.head] : undefined;
}

export function itemsOf<Item>({ items, head, tail }: Queue<Item>): Item[] {
  return items.slice(head, tail);
}

export function added<Item extends Sized>(queue: Queue<Item>, item: Item): Queue<Item> {
  // the part behind our tail is free only if no other queue has taken it; a queue of nothing starts afresh
  const isOwner = queue.head < queue.tail && queue.items.length === queue.tail;
  const items = isOwner ? queue.items : itemsOf(queue);
  const head = isOwner ? queue.head : 0;
  items.push(item);
  return { items, head, tail: items.length, bytes: queue.bytes + item.bytes };
}

/** Without its first item, which must be there. */
export function shifted<Item extends Sized>(queue: Queue<Item>): Queue<Item> {
  const { items, head, tail } = queue;
  const first = items[head];
  if (first === undefined || head + 1 >= tail) return EMPTY_QUEUE;
  const bytes = queue.bytes - first.bytes;
  // what was taken stays in the shared array until it is over half of it
  if (head >= 64 && head * 2 > items.length) return { items: items.slice(head + 1, tail), head: 0, tail: tail - head - 1, bytes };
  return { items, head: head + 1, tail, bytes };
}

export function without<Item extends Sized>(queue: Queue<Item>, isOut: (item: Item) => boolean): Queue<Item> {
  const items = itemsOf(queue).filter((item) => !isOut(item));
  if (items.length === 0) return EMPTY_QUEUE;
  return { items, head: 0, tail: items.length, bytes: items.reduce((sum, item) => sum + item.bytes, 0) };
}
