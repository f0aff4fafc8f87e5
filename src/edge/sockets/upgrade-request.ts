import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Refusal } from '../../core/events.ts';
import { methodOf } from '../server/other-methods.ts';
import { acceptableDeflateOffer } from './deflate-offer.ts';

const KEY = /^[+/0-9A-Za-z]{22}==$/; // 16 bytes in base64 (RFC 6455 §4.1)
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/; // RFC 9110 §5.6.2

/**
 * Does this request ask for a WebSocket, be it among other protocols (RFC 9110 §7.8)? Requests for others alone
 * (`Upgrade: h2c`) are plain requests to us, and so are those whose `Connection` does not name the upgrade: Node takes
 * `Proxy-Connection`, which no standard has, for the same.
 */
export function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return hasToken(headers.upgrade, 'websocket') && hasToken(headers.connection, 'upgrade');
}

function hasToken(list: string | undefined, token: string): boolean {
  return list?.toLowerCase() === token || tokensOf(list).some((name) => name.toLowerCase() === token);
}

/** The elements of a list (RFC 9110 §5.6.1): empty ones do not count. Node joins the lines of a header by commas. */
function tokensOf(list: string | undefined): string[] {
  if (list === undefined) return [];
  return list
    .split(',')
    .map(withoutSpace)
    .filter((element) => element !== '');
}

/** Spaces and tabs alone are optional whitespace (RFC 9110 §5.6.3); `trim` takes off much more. */
function withoutSpace(element: string): string {
  let [start, end] = [0, element.length];
  while (start < end && isSpace(element.charCodeAt(start))) start += 1;
  while (start < end && isSpace(element.charCodeAt(end - 1))) end -= 1;
  return element.slice(start, end);
}

function isSpace(character: number): boolean {
  return character === 32 || character === 9;
}

/**
 * Makes of a request that `upgradeProblem` found right what `ws` 8.23.0 reads in the same way. It refuses empty elements of
 * lists, other protocols beside WebSocket, and extension offers that are only to be declined (test/patched-libraries.test.ts).
 */
export function normalize({ headers }: IncomingMessage): void {
  const { 'sec-websocket-protocol': protocols, 'sec-websocket-extensions': extensions } = headers;
  headers.upgrade = 'websocket';
  if (protocols !== undefined) setOrDelete(headers, 'sec-websocket-protocol', tokensOf(protocols).join(', '));
  if (extensions !== undefined) setOrDelete(headers, 'sec-websocket-extensions', acceptableDeflateOffer(extensions) ?? '');
}

function setOrDelete(headers: IncomingHttpHeaders, name: 'sec-websocket-protocol' | 'sec-websocket-extensions', value: string): void {
  if (value === '') delete headers[name];
  else headers[name] = value;
}

/** What is wrong with an upgrade request by RFC 6455 §4.2.1, or null. Checked before the backend hears of the client. */
export function upgradeProblem(request: IncomingMessage): Refusal | null {
  const { headers } = request;
  if (request.method !== 'GET')
    return bad(`an upgrade must be a GET, not ${methodOf(request)}`, {
      status: 405,
      code: 'METHOD_NOT_ALLOWED',
      headers: { Allow: 'GET' },
    });
  if (request.httpVersion !== '1.1') return bad(`an upgrade needs HTTP/1.1, this came as HTTP/${request.httpVersion}`);
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0')
    return bad('an upgrade must have no body: its bytes would be read as frames');
  if (headers['sec-websocket-version'] !== '13') {
    const came = headers['sec-websocket-version'] ?? 'none';
    return bad(`Sec-WebSocket-Version must be 13, came: ${came.slice(0, 20)}`, {
      status: 426,
      code: 'UPGRADE_REQUIRED',
      headers: { 'Sec-WebSocket-Version': '13' },
    });
  }
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) return bad('Sec-WebSocket-Key must be 16 bytes in base64');
  const names = offeredSubprotocols(request);
  if (names.length > 0 && (names.some((name) => !TOKEN.test(name)) || new Set(names).size !== names.length)) {
    return bad('Sec-WebSocket-Protocol must be a list of different tokens');
  }
  return null;
}

/** The subprotocols that the client offers, in its order of preference. A list without any, which some clients send, is no offer. */
export function offeredSubprotocols(request: IncomingMessage): string[] {
  return tokensOf(request.headers['sec-websocket-protocol']);
}

/** Name, value, name, value … of those headers that the operator wants the backend to see. */
export function forwardedHeaders(rawHeaders: readonly string[], names: ReadonlySet<string>): string[] {
  const found: string[] = [];
  if (names.size === 0) return found;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    if (names.has(name)) found.push(name, rawHeaders[index + 1] ?? '');
  }
  return found;
}

type BadRequest = { readonly status?: number; readonly code?: string; readonly headers?: Readonly<Record<string, string>> };

function bad(message: string, { status = 400, code = 'BAD_REQUEST', headers }: BadRequest = {}): Refusal {
  return { type: 'refused', status, code, message, ...(headers && { headers }) };
}
