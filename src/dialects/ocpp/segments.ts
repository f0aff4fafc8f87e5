import { withoutEndSlashes } from '../../wire/ws-uris.ts';
const MAX_ID_LENGTH = 36;
const MAX_ACTION_LENGTH = 255;

/**
 * May this stand alone between two slashes? `encodeURIComponent` makes any text one segment but for three: nothing, and
 * the dot segments, which URL parsers remove also when their dots are escaped (WHATWG URL, "double-dot path segment").
 */
export function isSegment(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && text.isWellFormed();
}

/** What is wrong with a message id, or null. OCPP-J: a string of at most 36 characters. */
export function messageIdProblem(id: string): string | null {
  if (id.length > MAX_ID_LENGTH) return `a message id may have ${MAX_ID_LENGTH} characters`;
  return isSegment(id) ? null : 'a message id must be text other than "", "." and ".."';
}

/** What is wrong with an action, or null. */
export function actionProblem(action: unknown): string | null {
  if (typeof action !== 'string' || !isSegment(action)) return 'an action must be the name of a message';
  return action.length > MAX_ACTION_LENGTH ? `an action may have ${MAX_ACTION_LENGTH} characters` : null;
}

/** A path on the backend: base path, then each part as exactly one segment, then the base's query. */
export function pathOf(base: string, parts: readonly string[]): string {
  const query = base.indexOf('?');
  const path = withoutEndSlashes(query < 0 ? base : base.slice(0, query));
  return `${path}/${parts.map(encodeURIComponent).join('/')}${query < 0 ? '' : base.slice(query)}`;
}
