import type { Selector as CoreSelector } from '../core/selector.ts';
import { shown } from '../backends/handlers/frames.ts';
import type { Client } from '../backends/handlers/handlers.ts';
import { PARAMETER_NAMES } from '../core/selector.ts';
import type { Selector } from './surface.ts';

/** A selector as the core knows it. Throws a TypeError for what could be meant in another way: it must not reach somebody else. */
export function selecting(selector: Selector, except?: Client | string): CoreSelector {
  if (typeof selector !== 'object' || selector === null || Array.isArray(selector))
    throw new TypeError(`a selector must be { all: true }, { id } or an object of tags; ${shown(selector)} came`);
  const exclude = except === undefined ? [] : [typeof except === 'string' ? except : except.id];
  const given = Object.entries(selector as Readonly<Record<string, unknown>>).filter(([, value]) => value !== undefined);
  const special = given.find(([name]) => PARAMETER_NAMES.has(name));
  if (special !== undefined && given.length > 1)
    throw new TypeError(`a selector is either { all: true }, { id } or tags, not ${given.map(([name]) => shown(name)).join(' with ')}`);
  if (special === undefined) return byTags(given, exclude);
  const [name, value] = special;
  if (name === 'all' && value === true) return { type: 'all', ids: [], tags: [], exclude };
  if (name === 'id') return { type: 'ids', ids: idsOf(value), tags: [], exclude };
  throw new TypeError(name === 'all' ? `all must be true, ${shown(value)} came` : `no tag may be called ${shown(name)}`);
}

function byTags(given: readonly (readonly [string, unknown])[], exclude: readonly string[]): CoreSelector {
  const tags = given.map(([key, value]) => {
    if (typeof value !== 'string') throw new TypeError(`the tag ${shown(key)} must be a string, ${shown(value)} came`);
    return [key, value] as const;
  });
  return { type: tags.length === 0 ? 'none' : 'tags', ids: [], tags, exclude };
}

function idsOf(value: unknown): string[] {
  const ids: unknown[] = Array.isArray(value) ? value : [value];
  const wrong = ids.find((id) => typeof id !== 'string');
  if (wrong !== undefined) throw new TypeError(`an id must be a string, ${shown(wrong)} came`);
  return [...new Set(ids as string[])];
}
