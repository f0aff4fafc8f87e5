import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { decodeText } from './text-file.ts';

export type Given = {
  readonly values: Readonly<Record<string, string>>;
  /** Options that were given, but with nothing in them once files' decoration was taken off. */
  readonly hollow: readonly string[];
};

type Source = { readonly dotenv: boolean; readonly names: readonly string[] };

/** What the environment says, and `.env` where the environment is silent; without what files and Secrets add (docs/configuration.md). */
export function givenBy(env: NodeJS.ProcessEnv, { dotenv, names }: Source): Given {
  const fromFile = dotenv && existsSync('.env') ? parseEnv(decodeText(readFileSync('.env'))) : {};
  const ours = new Set(names);
  const values: Record<string, string> = {};
  const hollow: string[] = [];
  for (const [decorated, raw] of Object.entries({ ...plainNames(fromFile, ours), ...plainNames(env, ours) })) {
    if (raw === undefined || raw === '') continue; // empty is as unset
    const value = ours.has(decorated) ? plain(raw) : raw;
    if (value !== '') values[decorated] = value;
    else hollow.push(decorated);
  }
  return { values, hollow };
}

/** A byte-order mark before the first name of a file must not make another name of it: CONTROL_TOKEN would be off. */
function plainNames(env: NodeJS.ProcessEnv, ours: ReadonlySet<string>): NodeJS.ProcessEnv {
  const named: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env)) if (ours.has(name) || !ours.has(name.trim())) named[name] = value;
  for (const [name, value] of Object.entries(env)) if (ours.has(name.trim())) named[name.trim()] ??= value;
  return named;
}

/** `trim` takes a byte-order mark for white space. Quotes that end before the end (`"a","b"`) are not around the whole; JSON has quotes of its own. */
export function plain(value: string): string {
  const text = value.trim();
  const [, quote = '', inner = ''] = /^(["'])([^]*)\1$/.exec(text) ?? [];
  if (quote === '') return text;
  const content = inner.trim();
  return content.includes(quote) && !/^[[{]/.test(content) ? text : content;
}
