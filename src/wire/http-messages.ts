import type { Message } from '../core/events.ts';

const EMPTY = Buffer.alloc(0);
const BINARY = /^application\/octet-stream(;|\s|$)/i;

/** A request to the control API as far as these read it; its body was left as it came. */
type Request = { readonly body: unknown; readonly headers: { readonly 'content-type'?: string | undefined } };

export function bodyOf({ body }: Pick<Request, 'body'>): Buffer {
  return (body as Buffer | undefined) ?? EMPTY;
}

/** Binary for `application/octet-stream`, else text (CONTRACT §3). */
export function isBinaryType(contentType: string | undefined): boolean {
  return contentType !== undefined && BINARY.test(contentType);
}

/** The message that a request pushes. */
export function messageOf(request: Request): Message {
  return { data: bodyOf(request), isBinary: isBinaryType(request.headers['content-type']) };
}
