/** By the name of a variable: the keys, and places in lists, that lead to its value. */
export type JsonPaths = ReadonlyMap<string, readonly string[]>;

const NAME = /^[A-Za-z0-9_]+$/;
const MOST_KEYS = 32;

/** Reads `jsonExtractVars`: `{ type: data.type }`, also written `$.data.type`; a text says what is wrong. */
export function readJsonPaths(given: Readonly<Record<string, string>>): JsonPaths | string {
  const paths = new Map<string, readonly string[]>();
  for (const [name, path] of Object.entries(given)) {
    if (!NAME.test(name)) return `${JSON.stringify(name)} must be of letters, digits and _, as names of variables are`;
    const keys = (path.startsWith('$.') ? path.slice(2) : path).split('.');
    if (keys.includes('') || keys.length > MOST_KEYS)
      return `${name} must be a path such as data.type or items.0.id; ${JSON.stringify(path.slice(0, 40))} came`;
    paths.set(name, keys);
  }
  return paths;
}

/** A value as it stands in a name: texts, numbers and booleans; undefined where there is none. A name without a path is a property of the whole. */
export function valueIn(json: unknown, name: string, paths: JsonPaths): string | undefined {
  let value = json;
  for (const key of paths.get(name) ?? [name]) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  const isShown = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return isShown && value !== '' ? String(value) : undefined;
}
