/** Which connections a command is for (docs/selections.md#selectors). Plain data: selectors cross processes. */
export type Selector = {
  /** `none`: an empty query selects nothing, so that a mistake never reaches everybody. */
  readonly type: 'none' | 'all' | 'ids' | 'tags';
  readonly ids: readonly string[];
  /** All of these must match. */
  readonly tags: readonly (readonly [key: string, value: string])[];
  /** Ids that are left out. */
  readonly exclude: readonly string[];
};

/** What the query of a selection says beside tags: a tag of such a name could never be selected. */
export const PARAMETER_NAMES: ReadonlySet<string> = new Set(['id', 'all', 'exclude', 'limit', 'cursor', 'closeCode', 'closeReason']);

const SELECTING = new Set(['id', 'all', 'exclude']);

/**
 * Reads a query string's parameters, but for those that the command reads itself (`own`). `id` overrides the rest, but
 * `exclude`. A text says what is wrong: what could be read in two ways selects nobody.
 */
export function readSelector(parameters: URLSearchParams, own: readonly string[] = []): Selector | string {
  const problem = selectorProblem(parameters, own);
  if (problem !== null) return problem;
  const exclude = listOf(parameters.get('exclude'));
  const ids = parameters.get('id');
  if (ids !== null) return { type: 'ids', ids: listOf(ids), tags: [], exclude };
  const tags = [...parameters].filter(([key]) => !PARAMETER_NAMES.has(key));
  if (tags.length > 0) return { type: 'tags', ids: [], tags, exclude };
  return { type: parameters.has('all') ? 'all' : 'none', ids: [], tags: [], exclude };
}

function selectorProblem(parameters: URLSearchParams, own: readonly string[]): string | null {
  const seen = new Set<string>();
  for (const [name, value] of parameters) {
    if (seen.has(name)) return `${shown(name)} is given twice; all pairs must match, and a connection has one value of a tag`;
    seen.add(name);
    if (name === 'all' && value !== 'true') return `all must be true, ${shown(value)} came`;
    if (PARAMETER_NAMES.has(name) && !SELECTING.has(name) && !own.includes(name))
      return `${shown(name)} is no parameter of this request, and no tag has this name`;
  }
  return null;
}

function listOf(ids: string | null): string[] {
  return [...new Set(ids?.split(',').filter((id) => id !== ''))];
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
