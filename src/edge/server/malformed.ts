import { METHODS, STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { GatewayError } from '../../wire/errors.ts';

/** What Node keeps on its socket (test/patched-libraries.test.ts): the answer that is being written, and who reads requests. */
type HttpSocket = Socket & {
  readonly _httpMessage?: ServerResponse | null;
  /** `incoming`: the request that was begun last. */
  readonly parser?: { readonly incoming: IncomingMessage | null } | null;
};

/** What the parser could not read; `rawPacket` holds the bytes that it was given last, of which it could read `bytesParsed`. */
type ParseError = NodeJS.ErrnoException & { readonly rawPacket?: unknown; readonly bytesParsed?: number };

/** Sockets that are ended, or will be when what is under way is answered. */
const ending = new WeakSet<Socket>();
const METHOD = /^[A-Za-z][A-Za-z0-9_-]{0,63} [!-~]{1,2000} HTTP\/1\.[01]\r?\n/;
const TARGET_WITHOUT_END = /^[A-Z-]{1,32} [^\r\n ]*$/;

/** Is an answer to an earlier request on this socket still to be written? */
export function isAnswering(socket: HttpSocket): boolean {
  return socket._httpMessage !== undefined && socket._httpMessage !== null;
}

/**
 * Bytes that are not an HTTP request still get an answer in our form, after those to the requests before them: whatever
 * follows a push in its segment, the push's own answer is true (G4). Where they belong to a request that is answered
 * already, as its body for example, nothing but the end of the connection follows.
 */
export function answerMalformed(maxHeaderBytes: number): (error: ParseError, socket: Socket) => void {
  return (error, socket) => {
    if (error.code === 'ECONNRESET' || isOfTls(error)) socket.destroy();
    else endWith(socket, problemOf(error, maxHeaderBytes), !isBrokenHead(error));
  };
}

/** There is no way yet on which an answer could be sent. */
function isOfTls({ code = '' }: ParseError): boolean {
  return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_');
}

/** CONNECT reaches no route: Node takes the socket out of HTTP for it. */
export function answerConnect(_request: IncomingMessage, stream: Duplex): void {
  const socket = stream as Socket;
  socket.on('error', () => {}); // nobody else listens from now on
  endWith(socket, new GatewayError('NOT_IMPLEMENTED', 'CONNECT is not served here: this is no proxy'));
}

function endWith(socket: Socket, error: GatewayError, hasBody = true): void {
  if (ending.has(socket)) return; // each further piece of garbage is a further error
  ending.add(socket);
  writeLast(socket, error, hasBody);
}

function writeLast(socket: HttpSocket, error: GatewayError, hasBody: boolean): void {
  const pending = socket._httpMessage ?? null;
  const unread = unreadRequest(socket);
  const isWaited = pending !== null && (pending.req !== unread || pending.headersSent);
  if (isWaited) pending.once('close', () => process.nextTick(writeLast, socket, error, hasBody));
  else if (!socket.writable || (unread !== null && pending === null)) socket.destroySoon();
  else socket.end(toBytes(error, hasBody), () => socket.destroy());
}

/** The request whose body was to come with these bytes; null: they were to be a request of their own. */
function unreadRequest({ parser }: HttpSocket): IncomingMessage | null {
  const latest = parser?.incoming ?? null;
  return latest === null || latest.complete ? null : latest;
}

function toBytes({ code, message, status }: GatewayError, hasBody: boolean): string {
  const body = JSON.stringify({ code, message });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${hasBody ? body : ''}`;
}

/** Is it the head of a HEAD that could not be read? Its answer has no body then (RFC 9110 §9.3.2). */
function isBrokenHead({ rawPacket, bytesParsed = 0 }: ParseError): boolean {
  if (!Buffer.isBuffer(rawPacket)) return false;
  const before = bytesParsed < 4 ? -1 : rawPacket.lastIndexOf('\r\n\r\n', bytesParsed - 4);
  const start = before < 0 ? 0 : before + 4;
  return rawPacket.toString('latin1', start, start + 5) === 'HEAD ';
}

function problemOf({ code = '', message, rawPacket }: ParseError, maxHeaderBytes: number): GatewayError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW': {
      const most = `the request line and headers may have ${maxHeaderBytes} bytes (MAX_HEADER_BYTES)`;
      return TARGET_WITHOUT_END.test(beginOf(rawPacket, maxHeaderBytes))
        ? new GatewayError('URL_TOO_LONG', `${most}; the URL alone has more`)
        : new GatewayError('HEADERS_TOO_LONG', most);
    }
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
