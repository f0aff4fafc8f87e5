import { Cursor, type Resolve } from '../cursor.ts';
import type { Node } from '../node.ts';

const MAX_DEPTH = 50;

/** The conditions of a template (`Fn::Equals`, `Fn::And`, `Fn::Or`, `Fn::Not`, `Condition`). What cannot be judged is false. */
export class Conditions {
  readonly #section: Cursor;
  readonly #resolve: Resolve;
  readonly #known = new Map<string, boolean>();

  constructor(section: Cursor, resolve: Resolve) {
    this.#section = section;
    this.#resolve = resolve;
  }

  isMet(name: string, at: Cursor): boolean {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    this.#known.set(name, false); // a condition that leads to itself is false
    const isMet = this.#judge(this.#rawOf(name), at, 0);
    this.#known.set(name, isMet);
    return isMet;
  }

  #rawOf(name: string): Node | null {
    const { node } = this.#section;
    return node?.type === 'map' ? (node.entries.get(name) ?? null) : null;
  }

  #judge(node: Node | null, at: Cursor, depth: number): boolean {
    const [name, argument] = node?.type === 'map' && node.entries.size === 1 ? [...node.entries][0]! : [];
    if (name === undefined || argument === undefined || depth > MAX_DEPTH) return false;
    const items = argument.type === 'list' ? argument.items : [argument];
    const inner = (item: Node): boolean => this.#judge(item, at, depth + 1);
    switch (name) {
      case 'Condition':
        return argument.type === 'scalar' && this.isMet(String(argument.value), at);
      case 'Fn::And':
        return items.every(inner);
      case 'Fn::Or':
        return items.some(inner);
      case 'Fn::Not':
        return items[0] !== undefined && !inner(items[0]);
      case 'Fn::Equals': {
        const [left, right] = items.map((item) => new Cursor(item, this.#resolve, at).text());
        return left !== undefined && left !== null && left === right;
      }
      default:
        return false;
    }
  }
}
