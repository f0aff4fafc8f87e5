import { MAX_MESSAGE_BYTES } from '../support/arena.ts';
import { CONTROL, FIELD, FREE, type HttpReading, type ReadRequest } from './http-reading.ts';

/** A body, and how many bytes it takes on the wire. */
export type Framed = { readonly type: 'body'; readonly body: Buffer; readonly length: number };
type Unframed = Exclude<HttpReading, { readonly type: 'request' }>;

/** RFC 9112 §6.3. */
export function readBody(bytes: Buffer, headers: ReadRequest['headers'], isOld: boolean): Framed | Unframed {
  const lengths = headers.get('content-length') ?? [];
  const codings = headers.get('transfer-encoding') ?? [];
  if (codings.length > 0) {
    if (isOld) return { ...FREE, why: 'Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1)' };
    if (lengths.length > 0) return { type: 'broken', why: 'length and chunks (RFC 9112 §6.1)' };
    const names = codings.flatMap((value) =>
      value
        .toLowerCase()
        .split(',')
        .map((name) => name.trim()),
    );
    if (names.includes('') && names.filter((name) => name !== '').join(',') === 'chunked')
      return { ...FREE, why: 'empty elements in a list (RFC 9110 §5.6.1)' };
    if (names.join(',') !== 'chunked') return { type: 'broken', why: `Transfer-Encoding: ${codings.join(',')}` };
    return readChunks(bytes);
  }
  if (lengths.length === 0) return { type: 'body', body: bytes.subarray(0, 0), length: 0 };
  const [length = ''] = lengths;
  if (lengths.length > 1 || !/^\d+$/.test(length)) {
    const values = new Set(
      lengths
        .join(',')
        .split(',')
        .map((value) => value.trim()),
    );
    const isSame = values.size === 1 && /^\d+$/.test([...values][0] ?? '');
    return isSame
      ? { ...FREE, why: 'one length said twice (RFC 9110 §8.6)' }
      : { type: 'broken', why: `Content-Length: ${lengths.join(' and ')}` };
  }
  if (length.length > 15) return { type: 'broken', why: `Content-Length: ${length}` };
  if (Number(length) > MAX_MESSAGE_BYTES) return { ...FREE, why: 'a body over the limit may be refused before it is read' };
  const stop = Number(length);
  return bytes.length < stop ? { type: 'incomplete' } : { type: 'body', body: bytes.subarray(0, stop), length: stop };
}

const CHUNK_LINE =
  /^([0-9A-Fa-f]+)((?:[\t ]*;[\t ]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[\t ]*=[\t ]*(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"[^"\\]*"))?)*)$/; // RFC 9112 §7.1

function readChunks(bytes: Buffer): Framed | Unframed {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf('\r\n', at);
    const text = bytes.toString('latin1', at, end < 0 ? bytes.length : end);
    if (/[\r\n]/.test(text)) return { ...FREE, why: 'a chunk line that does not end with CRLF' };
    if (end < 0) return /^[0-9A-Fa-f]{0,8}$/.test(text) ? { type: 'incomplete' } : { ...FREE, why: 'a chunk line that is not all there' };
    const [, size = '', extensions = ''] = CHUNK_LINE.exec(text) ?? [];
    if (size === '') return { type: 'broken', why: `chunk line ${JSON.stringify(text)}` };
    if (extensions !== '') return { ...FREE, why: 'chunk extensions, which may be refused (RFC 9112 §7.1.1)' };
    if (size.length > 8) return { ...FREE, why: 'a chunk size of many digits' };
    const length = Number.parseInt(size, 16);
    if (length > MAX_MESSAGE_BYTES) return { ...FREE, why: 'a body over the limit' };
    at = end + 2;
    if (length === 0) return readTrailers(bytes, at, Buffer.concat(parts));
    if (bytes.length >= at + length + 1 && bytes[at + length] !== 13)
      return bytes[at + length] === 10 ? { ...FREE, why: 'LF after a chunk' } : { type: 'broken', why: 'no CRLF after a chunk' };
    if (bytes.length < at + length + 2) return { type: 'incomplete' };
    if (bytes[at + length + 1] !== 10) return { type: 'broken', why: 'no LF after a chunk' };
    parts.push(bytes.subarray(at, at + length));
    if (parts.reduce((sum, part) => sum + part.length, 0) > MAX_MESSAGE_BYTES) return { ...FREE, why: 'a body over the limit' };
    at += length + 2;
  }
}

function readTrailers(bytes: Buffer, start: number, body: Buffer): Framed | Unframed {
  if (bytes.toString('latin1', start, start + 2) === '\r\n') return { type: 'body', body, length: start + 2 };
  if (bytes.length < start + 2) return { type: 'incomplete' };
  const end = bytes.indexOf('\r\n\r\n', start);
  if (end < 0) return { ...FREE, why: 'trailers that are not all there' };
  const names = bytes.toString('latin1', start, end);
  if (/^(content-length|transfer-encoding|host):/im.test(names))
    return { ...FREE, why: 'fields that no trailer may have (RFC 9110 §6.5.1)' };
  const isSound = bytes
    .toString('latin1', start, end)
    .split('\r\n')
    .every((line) => FIELD.test(line) && !CONTROL.test(line));
  return isSound ? { type: 'body', body, length: end + 4 } : { type: 'broken', why: 'no trailer fields' };
}
