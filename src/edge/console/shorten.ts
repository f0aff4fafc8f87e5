/** A stranger's text, so long at most. A copy: a part of a long string would keep the whole of it alive. */
export function shorten(text: string, maxCharacters = 200): string {
  return text.length <= maxCharacters ? text : `${Buffer.from(text.slice(0, maxCharacters)).toString()}…`;
}
