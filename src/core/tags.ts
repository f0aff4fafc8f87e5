export const MAX_TAGS = 64;
/** Of key and value together, as UTF-8. */
export const MAX_TAG_BYTES = 128;

/** What is wrong with a connection's tags (CONTRACT §7), or null. */
export function tagProblem(tags: ReadonlyMap<string, string>): string | null {
  if (tags.size > MAX_TAGS) return `a connection may have ${MAX_TAGS} tags, not ${tags.size}`;
  for (const [key, value] of tags) {
    if (key === '') return 'a tag needs a key';
    if (Buffer.byteLength(key) + Buffer.byteLength(value) > MAX_TAG_BYTES)
      return `a tag may have ${MAX_TAG_BYTES} bytes, ${JSON.stringify(key.slice(0, 40))} has more`;
  }
  return null;
}
