/** What `@connections` is spelt like: with the `@` encoded, and behind an endpoint that ends with a slash. */
const SPELT = /^((?:\/[^/?]+)*?)\/{1,8}(?:@|%40)connections\//;

/** The target of a request with `@connections` spelt as the routes have it; any other as it is. */
export function plainTarget(target: string): string {
  if (!target.includes('connections/')) return target;
  const match = SPELT.exec(target);
  return match === null ? target : `${match[1]}/@connections/${target.slice(match[0].length)}`;
}
