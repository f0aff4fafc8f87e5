const MASK = '***';

/**
 * A URL as it may be printed: no user and password, no values in its query (function hosts take a key there), no
 * fragment. Text that is no URL is masked too, and rather too much than too little: it may be one with a slip in it.
 */
export function withoutSecrets(url: string): string {
  const [, beforeQuery = '', query, fragment] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(withoutUser(url)) ?? [];
  const shownQuery = query === undefined ? '' : `?${query.split('&').map(withoutValue).join('&')}`;
  return `${beforeQuery}${shownQuery}${fragment === undefined ? '' : `#${MASK}`}`;
}

/** In a URL that can be parsed, an `@` behind the host is no secret; in another it may end a password that holds a slash. */
function withoutUser(url: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:[/\\]*/i.exec(url)?.[0] ?? '';
  const isHostFirst = scheme === '' || !scheme.includes('/');
  const text = isHostFirst ? `http://${url}` : url;
  const rest = isHostFirst ? url : url.slice(scheme.length);
  const start = isHostFirst ? '' : scheme;
  const { username, password } = URL.canParse(text) ? new URL(text) : { username: MASK, password: MASK };
  const end = rest.lastIndexOf('@');
  return (username === '' && password === '') || end < 0 ? url : `${start}${MASK}${rest.slice(end)}`;
}

/** `{id}` is a place for the id, and no secret. */
function withoutValue(pair: string): string {
  const end = pair.indexOf('=');
  const value = pair.slice(end + 1);
  if (pair === '' || /^(\{id\})?$/.test(value)) return pair;
  return `${pair.slice(0, end + 1)}${MASK}`;
}
