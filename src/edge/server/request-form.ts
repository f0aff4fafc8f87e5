import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../../wire/errors.ts';
import { remembered } from './remembered.ts';

/** RFC 9110 §7.2: a name or an address, and a port; no user, no path. */
const HOST = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(:\d{0,5})?$/;
const isHost = remembered((text) => HOST.test(text));
/** RFC 9110 §8.3.1, as far as it decides what the bytes are. */
export const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+\s*(;|$)/;
const ABSOLUTE = /^(https?|wss?):\/\/([^/?#]*)(.*)$/i;

const authorities = new WeakMap<IncomingMessage, string>();

/**
 * The target as a path (RFC 9112 §3.2): a client may send a whole URL (§3.2.2), of which path and query count. A target
 * with a fragment has no path that everybody reads alike; `requestProblem` refuses it.
 */
export function originForm(request: IncomingMessage): string {
  const target = request.url ?? '/';
  if (target.startsWith('/')) return target;
  const [, , authority, rest = ''] = ABSOLUTE.exec(target) ?? [];
  if (authority === undefined) return target;
  authorities.set(request, authority);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Every host that a request names: in its `Host` header, and in a target that is a whole URL. */
export function hostsOf(request: IncomingMessage): string[] {
  const { host } = request.headers;
  const authority = authorities.get(request);
  if (authority === undefined) return host === undefined ? [] : [host];
  return host === undefined ? [authority] : [host, authority];
}

/** What is wrong with a request by the rules that keep two readers from reading it differently, or null. */
export function requestProblem(request: IncomingMessage): GatewayError | null {
  const { headers, httpVersion } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return new GatewayError('HTTP_VERSION_NOT_SUPPORTED', `HTTP/1.1 is spoken here, the request came as HTTP/${httpVersion}`);
  if (headers.host === undefined && httpVersion === '1.1') return bad('a request needs a Host header (RFC 9112 §3.2)');
  const repeated = repeatedHeader(request);
  if (repeated !== null) return bad(`a request may have one ${repeated} header; this one has more (RFC 9110 §5.3)`);
  for (const host of hostsOf(request))
    if (!isHost(host)) return bad(`a host must be a name or an address, with a port if need be; ${JSON.stringify(host.slice(0, 80))} came`);
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return new GatewayError(
      'NOT_IMPLEMENTED',
      `the only Transfer-Encoding known here is chunked, ${JSON.stringify(coding.slice(0, 80))} came (RFC 9112 §6.1)`,
    );
  const { expect } = headers;
  if (expect !== undefined && httpVersion === '1.1' && expect.toLowerCase() !== '100-continue')
    return new GatewayError(
      'EXPECTATION_FAILED',
      `the only Expect known here is 100-continue, ${JSON.stringify(expect.slice(0, 80))} came (RFC 9110 §10.1.1)`,
    );
  const { url = '' } = request;
  if (!url.startsWith('/') && !(url === '*' && request.method === 'OPTIONS'))
    return bad('a request target must be a path, or a URL of ws, wss, http or https (RFC 9112 §3.2)');
  if (url.includes('#')) return bad('a request target must have no fragment (#…) (RFC 9112 §3.2)');
  return null;
}

/** A GET with a body means something to whoever sent it, and nothing here: a selector sent that way would select nobody. */
export function bodyProblem({ method, headers }: IncomingMessage): GatewayError | null {
  if (method !== 'GET' && method !== 'HEAD') return null;
  if (headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0') return null;
  return bad(`a ${method} must have no body here; parameters belong into the query of the URL`);
}

/** Headers that one value decides, by their lengths. Node would take the first of two, or make one text of both. */
const SINGLE: ReadonlyMap<number, string> = new Map(
  ['Host', 'Content-Type', 'Authorization', 'Idempotency-Key'].map((name) => [name.length, name]),
);

function repeatedHeader({ rawHeaders }: IncomingMessage): string | null {
  let seen = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const single = SINGLE.get(name.length);
    if (single === undefined || (name !== single && name.toLowerCase() !== single.toLowerCase())) continue;
    const bit = 1 << name.length;
    if ((seen & bit) !== 0) return single;
    seen |= bit;
  }
  return null;
}

function bad(message: string): GatewayError {
  return new GatewayError('BAD_REQUEST', message);
}
