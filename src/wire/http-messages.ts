import { isUtf8 } from 'node:buffer';
import type { BackendAnswer } from './calls.ts';
import type { Message } from '../core/events.ts';
import { GatewayError } from './errors.ts';

const EMPTY = Buffer.alloc(0);
const BINARY = /^application\/octet-stream(;|\s|$)/i;

/** A request to the control API as far as these read it; its body was left as it came. */
type Request = {
  readonly body: unknown;
  readonly headers: { readonly 'content-type'?: string | undefined; readonly 'content-encoding'?: string | undefined };
};

/**
 * The body, which must come as it is. Decoding would take it out of the order of the requests behind it (G2), and lets few
 * bytes become many. Every command reads its body here.
 */
export function bodyOf({ body, headers }: Request): Buffer {
  const bytes = (body as Buffer | undefined) ?? EMPTY;
  const coding = headers['content-encoding'];
  if (coding !== undefined && bytes.length > 0 && !isIdentity(coding))
    throw new GatewayError(
      'UNSUPPORTED_MEDIA_TYPE',
      `the body must have no Content-Encoding, ${JSON.stringify(coding.slice(0, 40))} came; nothing was sent`,
    );
  return bytes;
}

/** Binary for `application/octet-stream`, else text (docs/contract.md#commands-on-one-connection). */
export function isBinaryType(contentType: string | undefined): boolean {
  return contentType !== undefined && BINARY.test(contentType);
}

/** The message that a request pushes. */
export function messageOf(request: Request): Message {
  return { data: bodyOf(request), isBinary: isBinaryType(request.headers['content-type']) };
}

/** The text of JSON, without the byte-order mark that some writers put before it (RFC 8259 §8.1). */
export function jsonText(body: Buffer): string {
  const text = body.toString();
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** Throws a SyntaxError. */
export function parseJson(body: Buffer): unknown {
  return JSON.parse(jsonText(body));
}

/** The error for a body that was to become a text frame and is not text. */
export const NOT_UTF8 = 'the body is not UTF-8; a binary frame is sent with Content-Type: application/octet-stream';

/**
 * The Content-Encoding of an answer that nobody asked to be encoded (`Accept-Encoding: identity`), or null. Its bytes are
 * not what it says, so it counts as unreadable.
 */
export function codingProblem({ headers, body }: Pick<BackendAnswer, 'headers' | 'body'>): string | null {
  const coding = String(headers['content-encoding'] ?? '');
  return body.length === 0 || isIdentity(coding) ? null : `an answer in Content-Encoding ${coding.slice(0, 40)}, identity was asked for`;
}

/** A backend's answer as a message to its client; a text says why it cannot be one. */
export function replyOf(answer: Pick<BackendAnswer, 'headers' | 'body'>): Message | string {
  const { headers, body } = answer;
  const type = headers['content-type'];
  const isBinary = isBinaryType(typeof type === 'string' ? type : undefined);
  const problem = codingProblem(answer) ?? (isBinary || isUtf8(body) ? null : 'a text answer that is not UTF-8');
  return problem ?? { data: body, isBinary };
}

/** RFC 9110 §8.4: a list; `identity` is none. */
function isIdentity(coding: string): boolean {
  return coding.split(',').every((name) => name.trim() === '' || name.trim().toLowerCase() === 'identity');
}
