import { createHash } from 'node:crypto';

/** A request as its signer saw it. */
export type SignedRequest = {
  readonly method: string;
  /** Path and query as they came, still percent-encoded. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
};

/**
 * What AWS Signature Version 4 signs of a request. The path is encoded once more, as services but S3 want it, and
 * slashes that follow one another are one: the SDKs sign what they mean, and send what they were configured with.
 */
export function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[], payloadHash: string): string {
  const end = request.target.indexOf('?');
  const path = end < 0 ? request.target : request.target.slice(0, end);
  const query = end < 0 ? '' : request.target.slice(end + 1);
  const headers = signedHeaders.map((name) => `${name}:${headerValue(request.headers[name])}\n`).join('');
  return [request.method, canonicalPath(path), canonicalQuery(query), headers, signedHeaders.join(';'), payloadHash].join('\n');
}

export function sha256Hex(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}

function canonicalPath(path: string): string {
  const encoded = path
    .split('/')
    .filter((segment) => segment !== '')
    .map(encoded3986)
    .join('/');
  return `/${encoded}${path.endsWith('/') && encoded !== '' ? '/' : ''}`;
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').map((pair) => {
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    return [encoded3986(decoded(name)), encoded3986(decoded(equals < 0 ? '' : pair.slice(equals + 1)))] as const;
  });
  return pairs
    .toSorted(([a, x], [b, y]) => compared(a, b) || compared(x, y))
    .map((pair) => pair.join('='))
    .join('&');
}

function compared(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** RFC 3986 §2.3: letters, digits, `-`, `.`, `_` and `~` stay. */
function encoded3986(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

function headerValue(value: string | string[] | undefined): string {
  const text = Array.isArray(value) ? value.join(',') : (value ?? '');
  return text.trim().replaceAll(/ {2,}/g, ' ');
}
