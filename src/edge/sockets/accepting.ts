import { hash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { WebSocket, WebSocketServer } from 'ws';
import type { Upgrade } from './upgrade.ts';

/** RFC 6455 §1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The parts of `ws` 8.23.0 that are looked into (test/patched-libraries.test.ts). */
type Inner = WebSocket & { setSocket(socket: Socket, head: Buffer, options: object): void };
type Options = {
  readonly WebSocket: new (address: null, protocols: undefined, options: object) => Inner;
  readonly allowSynchronousEvents: boolean;
  readonly skipUTF8Validation: boolean;
  readonly maxBufferedChunks: number;
};

/** Of one socket. */
export type SocketLimits = { readonly maxPayload: number; readonly maxFragments: number };

/** Is there something to be agreed on that only `ws` can do? */
export function needsNegotiation({ request }: Upgrade, { options }: WebSocketServer): boolean {
  return Boolean(options.perMessageDeflate) && request.headers['sec-websocket-extensions'] !== undefined;
}

/**
 * Accepts an upgrade in place of `ws`, which would check again what `upgrade-request` has checked, and sign with an object of its
 * own for each. Both ways give the same answers (test/edge/sockets/plain-upgrades.test.ts).
 */
export function accept(upgrade: Upgrade, { options }: WebSocketServer, { maxPayload, maxFragments }: SocketLimits): WebSocket {
  const { request, socket, head, subprotocol, headers } = upgrade;
  const signature = hash('sha1', `${request.headers['sec-websocket-key'] ?? ''}${GUID}`, 'base64');
  let lines = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${signature}\r\n`;
  if (subprotocol !== null) lines += `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
  for (const [name, value] of headers) lines += `${name}: ${value}\r\n`;
  socket.write(`${lines}\r\n`);
  const { WebSocket: Accepted, allowSynchronousEvents, skipUTF8Validation, maxBufferedChunks } = options as unknown as Options;
  const ws = new Accepted(null, undefined, options);
  ws.setSocket(socket, head, { allowSynchronousEvents, skipUTF8Validation, maxBufferedChunks, maxPayload, maxFragments });
  return ws;
}
