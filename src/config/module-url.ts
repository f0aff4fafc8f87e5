import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const SCHEME = /^module:/i;
/** Resolved already: the path is absolute, and percent-encoded as in a `file:` URL. */
const RESOLVED = /^module:\/\/\//i;

/** Does it name a module of the user's, as `module:./handlers.js`? */
export function isModule(text: string): boolean {
  return SCHEME.test(text);
}

/** The module as an absolute URL `module:///…`; a path is relative to `directory`. Null: no file is named. */
export function moduleUrl(text: string, directory = '.'): URL | null {
  if (RESOLVED.test(text)) return new URL(text);
  const path = text.replace(SCHEME, '').trim();
  return path === '' ? null : new URL(pathToFileURL(resolve(directory, path)).href.replace(/^file:/, 'module:'));
}
