import { isUtf8 } from 'node:buffer';
import type { BackendAnswer } from './calls.ts';
import type { Message } from '../core/events.ts';

const EMPTY = Buffer.alloc(0);
const BINARY = /^application\/octet-stream(;|\s|$)/i;

/** A request to the control API as far as these read it; its body was left as it came. */
type Request = { readonly body: unknown; readonly headers: { readonly 'content-type'?: string | undefined } };

export function bodyOf({ body }: Pick<Request, 'body'>): Buffer {
  return (body as Buffer | undefined) ?? EMPTY;
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

/** A backend's answer as a message to its client; null where it is text that is not UTF-8, which no text frame may carry. */
export function replyOf({ headers, body }: Pick<BackendAnswer, 'headers' | 'body'>): Message | null {
  const type = headers['content-type'];
  const isBinary = isBinaryType(typeof type === 'string' ? type : undefined);
  return isBinary || isUtf8(body) ? { data: body, isBinary } : null;
}
