import type { ParseArgsOptionsConfig } from 'node:util';
import { misused } from './problem.ts';

export const SELECTION = {
  tag: { type: 'string', multiple: true },
  id: { type: 'string', multiple: true },
  all: { type: 'boolean' },
  exclude: { type: 'string', multiple: true },
} as const satisfies ParseArgsOptionsConfig;

export const SELECTION_USAGE = `
  --tag KEY=VALUE  those with this tag; of several, those that have all
  --id ID          this connection; may be given several times
  --all            everybody
  --exclude ID     but not this one`;

type Given = {
  readonly tag?: string[] | undefined;
  readonly id?: string[] | undefined;
  readonly all?: boolean | undefined;
  readonly exclude?: string[] | undefined;
};

/** The query of a selection (docs/selections.md#selectors), or null: nobody was named. */
export function selectorOf({ tag = [], id = [], all = false, exclude = [] }: Given): URLSearchParams | null {
  const ways = [tag.length > 0, id.length > 0, all].filter(Boolean).length;
  if (ways > 1) throw misused('--tag, --id and --all exclude each other: one of them says who is meant');
  if (ways === 0) return null;
  const query = new URLSearchParams(pairsOf(tag));
  if (all) query.set('all', 'true');
  for (const [name, ids] of [['id', id] as const, ['exclude', exclude] as const]) {
    const odd = ids.find((one) => one.includes(','));
    if (odd !== undefined) throw misused(`an id with a comma cannot stand in a list, ${JSON.stringify(odd)} came`);
    if (ids.length > 0) query.set(name, ids.join(','));
  }
  return query;
}

/** The same, where somebody must be named. */
export function neededSelector(given: Given): URLSearchParams {
  const query = selectorOf(given);
  if (query === null) throw misused('who is meant? Say --tag KEY=VALUE, --id ID or --all');
  return query;
}

/** `KEY=VALUE`; the value may hold more of `=`, or nothing. */
export function pairsOf(texts: readonly string[]): [string, string][] {
  return texts.map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw misused(`a tag is written KEY=VALUE, ${JSON.stringify(text)} came`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
}
