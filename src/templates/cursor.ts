import { textOf, type Node, type Place } from './node.ts';

/**
 * Makes of a value what stands for it in the template's own language: variables, functions. One step deep: what is inside of a
 * map or list is resolved when it is read. Null: it cannot be known here, which was reported.
 */
export type Resolve = (node: Node, path: string) => Node | null;

/** A value of a template under the reader's eye: resolved when it is looked at, never before, so that only what counts is reported. */
export class Cursor {
  readonly path: string;
  readonly place: Place;
  readonly #raw: Node | null;
  readonly #resolve: Resolve;
  #resolved: Node | null | undefined;

  constructor(raw: Node | null, resolve: Resolve, { path, place }: { readonly path: string; readonly place: Place }) {
    this.path = path;
    this.place = raw?.place ?? place;
    this.#raw = raw;
    this.#resolve = resolve;
  }

  /** Null: it is absent, or cannot be known. */
  get node(): Node | null {
    if (this.#resolved === undefined) this.#resolved = this.#raw === null ? null : this.#resolve(this.#raw, this.path);
    return this.#resolved;
  }

  /** Is it there, known or not? */
  get isGiven(): boolean {
    return this.#raw !== null && !(this.#raw.type === 'scalar' && this.#raw.value === null);
  }

  get(...keys: readonly string[]): Cursor {
    const [key, ...more] = keys;
    if (key === undefined) return this;
    const { node } = this;
    const found = node?.type === 'map' ? (node.entries.get(key) ?? null) : null;
    return this.#inner(found, key).get(...more);
  }

  entries(): readonly (readonly [string, Cursor])[] {
    const { node } = this;
    return node?.type === 'map' ? [...node.entries].map(([key, value]) => [key, this.#inner(value, key)] as const) : [];
  }

  /** The items of a list; of a single value, that value. */
  items(): readonly Cursor[] {
    const { node } = this;
    if (node?.type === 'list') return node.items.map((item, index) => this.#inner(item, String(index)));
    return node === null || !this.isGiven ? [] : [this];
  }

  text(): string | null {
    return textOf(this.node);
  }

  texts(): readonly string[] {
    return this.items().flatMap((item) => item.text() ?? []);
  }

  /** Of a map those entries that are known texts. */
  textEntries(): Record<string, string> {
    return Object.fromEntries(
      this.entries().flatMap(([key, value]) => {
        const text = value.text();
        return text === null ? [] : [[key, text] as const];
      }),
    );
  }

  /** Null: absent, unknown, or no number. */
  number(): number | null {
    const text = this.text();
    const value = text === null || text.trim() === '' ? Number.NaN : Number(text);
    return Number.isFinite(value) ? value : null;
  }

  #inner(raw: Node | null, key: string): Cursor {
    return new Cursor(raw, this.#resolve, { path: this.path === '' ? key : `${this.path}.${key}`, place: this.place });
  }
}
