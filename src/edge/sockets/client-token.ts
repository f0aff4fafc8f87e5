import type { IncomingMessage } from 'node:http';
import type { Query } from '../server/query.ts';
import { offeredSubprotocols } from './upgrade-request.ts';

/** The cookie, and the parameter of the query (RFC 6750 §2.3), that may hold a token. */
const NAME = 'access_token';
/** Browsers cannot set headers of a WebSocket, but offer subprotocols: one may hold the token, beside a real one. */
const SUBPROTOCOL = 'bearer.';

export type ClientToken = { readonly token: string; readonly isFromCookie: boolean };

/** The token that a client brings, null: none. What it offered as a subprotocol for that is offered no more. */
export function takeToken(request: IncomingMessage, query: Query): ClientToken | null {
  const brought = clientToken(request, query);
  const offered = request.headers['sec-websocket-protocol'];
  if (offered === undefined) return brought;
  const others = cleaned('sec-websocket-protocol', offered);
  if (others === '') delete request.headers['sec-websocket-protocol'];
  else request.headers['sec-websocket-protocol'] = others;
  return brought;
}

/** The first of `Authorization: Bearer`, subprotocol, query and cookie. */
function clientToken(request: IncomingMessage, query: Query): ClientToken | null {
  const { authorization = '', cookie } = request.headers;
  if (authorization.slice(0, 7).toLowerCase() === 'bearer ') return { token: authorization.slice(7).trim(), isFromCookie: false };
  const offered = offeredSubprotocols(request).find(isToken);
  if (offered !== undefined) return { token: offered.slice(SUBPROTOCOL.length), isFromCookie: false };
  const asked = query[NAME];
  if (asked !== undefined) return { token: typeof asked === 'string' ? asked : '', isFromCookie: false };
  const pair = cookie === undefined ? undefined : pairsOf(cookie).find(isOurPair);
  return pair === undefined ? null : { token: pair.slice(pair.indexOf('=') + 1).trim(), isFromCookie: true };
}

/** The query without the token: the backend and its logs need not see it. */
export function withoutToken(query: Query): Query {
  if (!(NAME in query)) return query;
  const { [NAME]: _token, ...rest } = query;
  return rest;
}

/** Name, value, name, value … without the token that one of them may hold; `Authorization` is the client's word to the backend, and stays. */
export function withoutTokenIn(rawHeaders: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = [rawHeaders[index], rawHeaders[index + 1]];
    const rest = cleaned(name.toLowerCase(), value);
    if (rest !== '' || value === '') kept.push(name, rest);
  }
  return kept;
}

function cleaned(header: string, value: string): string {
  if (header === 'cookie')
    return pairsOf(value)
      .filter((pair) => !isOurPair(pair))
      .join('; ');
  if (header !== 'sec-websocket-protocol') return value;
  return value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => !isToken(name))
    .join(', ');
}

function isToken(name: string): boolean {
  return name.startsWith(SUBPROTOCOL);
}

function pairsOf(cookie: string): string[] {
  return cookie
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '');
}

function isOurPair(pair: string): boolean {
  return pair.slice(0, pair.indexOf('=')).trim() === NAME;
}

/** Does this page come from where it connects to? Then no other site's page rides on its cookie. */
export function isSameSite({ headers: { origin, host } }: IncomingMessage): boolean {
  if (origin === undefined) return true; // no browser's
  const page = URL.parse(origin);
  return page !== null && host !== undefined && URL.parse(`${page.protocol}//${host}`)?.host === page.host;
}
