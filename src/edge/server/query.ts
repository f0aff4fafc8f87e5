import querystring from 'fast-querystring';

export type Query = Readonly<Record<string, string | string[]>>;

/** The path of a target. */
export function pathOf(target: string): string {
  const end = target.indexOf('?');
  return end < 0 ? target : target.slice(0, end);
}

/** What stands behind the question mark of a target, as find-my-way reads it by itself: the router's way, for all who need one. */
export function readQuery(text: string): Query {
  return text === '' ? {} : (querystring.parse(text) as Query);
}
