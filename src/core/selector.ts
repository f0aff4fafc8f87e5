/** Which connections a command is for (docs/selections.md#selectors). Plain data: selectors cross processes. */
export type Selector = {
  /** `none`: an empty query selects nothing, so that a mistake never reaches everybody. */
  readonly type: 'none' | 'all' | 'ids' | 'tags';
  readonly ids: readonly string[];
  /** All of these must match. */
  readonly tags: readonly (readonly [key: string, value: string])[];
  readonly exclude: string | null;
};

/** Parameters that steer a command and are no tags. */
const RESERVED = new Set(['id', 'all', 'exclude', 'closeCode', 'closeReason', 'limit', 'cursor']);

/** Reads a query string's parameters. Of a repeated tag key the first counts; `id` overrides the rest, but `exclude`. */
export function readSelector(parameters: URLSearchParams): Selector {
  const exclude = parameters.get('exclude');
  const ids = parameters.get('id');
  if (ids !== null) {
    const unique = new Set(ids.split(',').filter((id) => id !== ''));
    return { type: 'ids', ids: [...unique], tags: [], exclude };
  }
  const tags: (readonly [string, string])[] = [];
  const seen = new Set<string>();
  for (const [key, value] of parameters) {
    if (RESERVED.has(key) || seen.has(key)) continue;
    seen.add(key);
    tags.push([key, value]);
  }
  if (tags.length > 0) return { type: 'tags', ids: [], tags, exclude };
  return { type: parameters.get('all') === 'true' ? 'all' : 'none', ids: [], tags: [], exclude };
}
