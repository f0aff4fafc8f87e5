import type { TagChanges } from '../core/events.ts';
import { tagProblem } from '../core/tag-index.ts';

/** More than any connection can have: who needs so many wants something else. */
const MAX_CHANGES = 1_000;
const PERCENT_ALONE = /%(?![0-9A-Fa-f]{2})/g;

/**
 * Reads urlencoded tags, an empty value of which deletes (docs/selections.md#tags). A text says what is wrong: what is
 * no such list, or could be read in two ways, sets nothing.
 */
export function readTagChanges(text: string): TagChanges | string {
  if (/^[[{]/.test(text)) return 'the tags must be urlencoded, such as room=1&seen=; this looks like JSON';
  // oxlint-disable-next-line no-control-regex
  if (/[\0-\x1f\x7f]/.test(text))
    return 'the tags must be urlencoded, such as room=1&seen=, without line breaks and other control characters';
  const pairs = text.split('&', MAX_CHANGES + 1).filter((pair) => pair !== '');
  if (pairs.length > MAX_CHANGES) return `at most ${MAX_CHANGES} tags may be set at once`;
  const bare = pairs.find((pair) => !pair.includes('='));
  if (bare !== undefined) return `a tag must be key=value, or key= to delete it; ${JSON.stringify(bare.slice(0, 40))} came`;
  if (!isUrlencoded(text)) return 'the tags must be percent-encoded UTF-8';
  const changes = [...new URLSearchParams(text)];
  const seen = new Set<string>();
  for (const [key, value] of changes) {
    if (seen.has(key)) return `the tag ${JSON.stringify(key.slice(0, 40))} is given twice`;
    seen.add(key);
    const problem = tagProblem(new Map([[key, value]]));
    if (problem !== null) return problem;
  }
  return changes;
}

/** A `%` that begins no escape stands for itself (WHATWG URL); escapes of bytes that are no UTF-8 would become other text. */
export function isUrlencoded(text: string): boolean {
  if (!text.includes('%')) return true;
  try {
    decodeURIComponent(text.replaceAll(PERCENT_ALONE, '%25'));
    return true;
  } catch {
    return false;
  }
}
