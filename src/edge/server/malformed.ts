import { METHODS, STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { GatewayError } from '../../wire/errors.ts';

/** Node keeps the answer that is being written on its socket (test/patched-libraries.test.ts). */
type AnsweringSocket = Duplex & { readonly _httpMessage?: ServerResponse | null };

/** What the parser could not read; `rawPacket` holds the bytes that it was given last. */
type ParseError = NodeJS.ErrnoException & { readonly rawPacket?: unknown };

const MAX_HEAD_BYTES = 16_384;
const METHOD = /^[A-Za-z][A-Za-z0-9_-]{0,63} [!-~]{1,2000} HTTP\/1\.[01]\r?\n/;
const TARGET_WITHOUT_END = /^[A-Z-]{1,32} [^\r\n ]*$/;

/** Is an answer to an earlier request on this socket still to be written? */
export function isAnswering(socket: AnsweringSocket): boolean {
  return socket._httpMessage !== undefined && socket._httpMessage !== null;
}

/**
 * Bytes that are not an HTTP request still get an answer in our form, after those to the requests before them: whatever
 * follows a push in its segment, the push's own answer is true (G4).
 */
export function answerMalformed(error: ParseError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
  else answerBare(socket, problemOf(error), !beginOf(error.rawPacket, 5).startsWith('HEAD '));
}

/** CONNECT reaches no route: Node takes the socket out of HTTP for it. */
export function answerConnect(_request: IncomingMessage, socket: Duplex): void {
  socket.on('error', () => {}); // nobody else listens from now on
  answerBare(socket, new GatewayError('NOT_IMPLEMENTED', 'CONNECT is not served here: this is no proxy'));
}

function answerBare(socket: AnsweringSocket, error: GatewayError, hasBody = true): void {
  const pending = socket._httpMessage;
  if (pending?.req.complete) {
    pending.once('close', () => process.nextTick(answerBare, socket, error, hasBody));
    return; // else the bytes are the body of the very request that waits for it
  }
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify({ code: error.code, message: error.message });
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${hasBody ? body : ''}`, () => socket.destroy());
}

function problemOf({ code = '', message, rawPacket }: ParseError): GatewayError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return TARGET_WITHOUT_END.test(beginOf(rawPacket, MAX_HEAD_BYTES))
        ? new GatewayError('URL_TOO_LONG', 'the request line and headers may have 16 KiB; the URL alone has more')
        : new GatewayError('HEADERS_TOO_LONG', 'the request line and headers may have 16 KiB');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new GatewayError('MESSAGE_TOO_LONG', 'the extensions of a chunk may have 16 KiB');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new GatewayError('REQUEST_TIMEOUT', 'the whole request did not come in time (HANDSHAKE_TIMEOUT_MS)');
    default: {
      const method = unknownMethod(rawPacket);
      if (method !== null) return new GatewayError('NOT_IMPLEMENTED', `the method ${method} is not known here`);
      return new GatewayError('BAD_REQUEST', `this is not an HTTP/1.1 request (${code || message})`);
    }
  }
}

/** The method of a well-formed request line that no method of HTTP begins. */
function unknownMethod(packet: unknown): string | null {
  const line = beginOf(packet, 2_200);
  if (!METHOD.test(line)) return null;
  const method = line.slice(0, line.indexOf(' '));
  return METHODS.includes(method) ? null : method;
}

function beginOf(packet: unknown, bytes: number): string {
  return Buffer.isBuffer(packet) ? packet.toString('latin1', 0, bytes) : '';
}
