import type { Description } from './commands.ts';
import type { Party } from './party.ts';

/** What is told of this client to those who ask. */
export function described(
  { id, path, tags, subprotocol }: Party,
  facts: Omit<Description, 'id' | 'path' | 'tags' | 'subprotocol'>,
): Description {
  return { id, path, tags: tags === null ? {} : Object.fromEntries(tags), subprotocol, ...facts };
}
