/** The last so many of what was added. */
export class Ring<Item> {
  readonly #items: Item[] = [];
  readonly #size: number;
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  add(item: Item): void {
    if (this.#size === 0) return;
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#size;
  }

  /** The newest that match, newest first. */
  last(limit: number, matches: (item: Item) => boolean = () => true): Item[] {
    const found: Item[] = [];
    const { length } = this.#items;
    for (let back = 1; back <= length && found.length < limit; back += 1) {
      const item = this.#items[(this.#next - back + length) % length];
      if (item !== undefined && matches(item)) found.push(item);
    }
    return found;
  }
}
