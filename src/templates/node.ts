/** Where in a file something stands. Lines are counted from 1. */
export type Place = { readonly file: string; readonly line: number };

export type Scalar = string | number | boolean | null;

/** A value of a template, that knows where it stands. */
export type Node =
  | { readonly type: 'scalar'; readonly value: Scalar; readonly place: Place }
  | { readonly type: 'list'; readonly items: readonly Node[]; readonly place: Place }
  | { readonly type: 'map'; readonly entries: ReadonlyMap<string, Node>; readonly place: Place };

export function scalar(value: Scalar, place: Place): Node {
  return { type: 'scalar', value, place };
}

export function list(items: readonly Node[], place: Place): Node {
  return { type: 'list', items, place };
}

export function map(entries: Iterable<readonly [string, Node]>, place: Place): Node {
  return { type: 'map', entries: new Map(entries), place };
}

/** A scalar as text, as both template languages write it; null: it is none, or says nothing. */
export function textOf(node: Node | null | undefined): string | null {
  return node?.type === 'scalar' && node.value !== null ? String(node.value) : null;
}
