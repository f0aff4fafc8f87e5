import { isGivenId } from '../core/ids.ts';

/** First path segments of the control API, beside those of the dialects' commands: no client may choose one as its id (docs/routes.md#client-chosen-ids). */
export const RESERVED_SEGMENTS: ReadonlySet<string> = new Set(
  'send settags close status tree count livez readyz metrics console @connections debug'.split(' '),
);

export const MAX_CLIENT_ID_BYTES = 255;

/** What is wrong with a client-chosen id (decoded), or null. */
export function clientIdProblem(id: string): string | null {
  const bytes = Buffer.byteLength(id);
  if (bytes < 1 || bytes > MAX_CLIENT_ID_BYTES) return `the id must be one path segment of 1 to ${MAX_CLIENT_ID_BYTES} bytes`;
  if (RESERVED_SEGMENTS.has(id)) return `the id ${JSON.stringify(id)} is a word of the control API`;
  if (id === '.' || id === '..') return 'the id must not be a dot segment: URLs lose it on their way';
  if (isGivenId(id)) return 'the id has the form of those that the gateway gives, which no client may choose';
  return null;
}
