import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Node keeps the answer that is being written on its socket (test/patched-libraries.test.ts). */
type AnsweringSocket = Socket & { readonly _httpMessage?: ServerResponse | null };

const MALFORMED: Readonly<Record<string, readonly [status: string, code: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'BAD_REQUEST', 'the request line and headers may have 16 KiB'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Content Too Large', 'MESSAGE_TOO_LONG', 'the extensions of a chunk may have 16 KiB'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'BAD_REQUEST', 'the whole request did not come in time (HANDSHAKE_TIMEOUT_MS)'],
};

/** Is an answer to an earlier request on this socket still to be written? */
export function isAnswering(socket: AnsweringSocket): boolean {
  return socket._httpMessage !== undefined && socket._httpMessage !== null;
}

/**
 * Bytes that are not an HTTP request still get an answer in our form, after those to the requests before them: whatever
 * follows a push in its segment, the push's own answer is true (G4).
 */
export function answerMalformed(error: NodeJS.ErrnoException, socket: AnsweringSocket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const pending = socket._httpMessage;
  if (pending?.req.complete) {
    pending.once('close', () => process.nextTick(answerMalformed, error, socket));
    return; // else the bytes are the body of the very request that waits for it
  }
  const [status, code, message] = MALFORMED[error.code ?? ''] ?? [
    '400 Bad Request',
    'BAD_REQUEST',
    `this is not an HTTP/1.1 request (${error.code ?? error.message})`,
  ];
  const body = JSON.stringify({ code, message });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
