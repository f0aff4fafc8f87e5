/** The control API, as this page asks it. */

const KEY = 'wsaas-control-token';
const base = new URL('.', location.href);

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

/** Thrown for every answer but 2xx; `message` is the gateway's own. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** `path` is relative to where the console is. */
export async function ask(path, { headers = {}, ...options } = {}) {
  const own = token.get();
  const response = await fetch(new URL(path, base), {
    ...options,
    headers: { ...headers, ...(own !== null && { Authorization: `Bearer ${own}` }) },
    cache: 'no-store',
    redirect: 'error',
  });
  if (response.ok) return response;
  const { message = `the gateway answered ${response.status}` } = await response.json().catch(() => ({}));
  throw new Refused(response.status, message);
}

/** JSON, and whom the answer lacks. */
export async function read(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  const response = await ask(`${path}?${query}`, { headers: { Accept: 'application/json' } });
  return { ...(await response.json()), incomplete: response.headers.get('WS-Incomplete') };
}

/** The path of a connection's own URL; its host may be one that only the backend can reach. */
export function commandPath(wsUri) {
  return wsUri.replace(/^[a-z]+:\/\//i, '').replace(/^[^/]*\//, '');
}

/** What people write as tags, `room=1 user=ada`, as the API wants it. */
export function urlencodedTags(text) {
  const pairs = text.split(/[\s&]+/).filter((pair) => pair !== '');
  const wrong = pairs.find((pair) => pair.indexOf('=') < 1);
  if (wrong !== undefined) throw new Error(`a tag is written key=value; ${wrong} came`);
  return new URLSearchParams(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])).toString();
}
