import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import type { WebSocket } from 'ws';
import { Connection } from '../../../src/core/connection.ts';
import type { OpenVerdict } from '../../../src/core/events.ts';
import { encodeFrame } from '../../../src/edge/sockets/frame.ts';
import { WsSocket } from '../../../src/edge/sockets/ws-socket.ts';
import { sampleGateway, sampleRequest, sampleRoute } from '../../contracts/samples.ts';

const ACCEPTED: Extract<OpenVerdict, { type: 'accepted' }> = {
  type: 'accepted',
  tags: null,
  data: null,
  subprotocol: null,
  message: null,
  headers: [],
};
const CLIENTS = 1_000;
const ALL = { type: 'all', ids: [], tags: [], exclude: [] } as const;

/** A gateway with many clients, and what is written for them: to the wire by us, or handed to `ws`. */
function crowd({ extensions }: { readonly extensions: string }) {
  const wire: Buffer[] = [];
  const handed: Buffer[] = [];
  const gateway = sampleGateway();
  for (let number = 0; number < CLIENTS; number += 1) {
    const id = `client-${number}`;
    const connection = new Connection(gateway, sampleRoute(), { id, key: id, request: sampleRequest() });
    const send = (data: Buffer): void => void handed.push(data);
    const ws = Object.assign(new EventEmitter(), { readyState: 1, OPEN: 1, bufferedAmount: 0, extensions, send });
    const stream = Object.assign(new EventEmitter(), { write: (data: Buffer) => wire.push(data) });
    gateway.connections.add(connection);
    connection.attach(new WsSocket(ws as unknown as WebSocket, stream as unknown as Duplex, connection), ACCEPTED);
  }
  return { gateway, wire, handed };
}

test('a broadcast builds its frame once: every socket is given the very same bytes', async () => {
  const { gateway, wire, handed } = crowd({ extensions: '' });
  for (const text of ['first', 'second']) {
    wire.length = 0;
    const { sent } = await gateway.answer({ type: 'send', selector: ALL, message: { data: Buffer.from(text), isBinary: false } });
    assert.equal(sent, CLIENTS);
    assert.equal(wire.length, CLIENTS);
    assert.equal(new Set(wire).size, 1, 'one buffer, not equal copies');
    assert.deepEqual(wire[0], encodeFrame(Buffer.from(text), false));
  }
  assert.deepEqual(handed, []);
});

test('the farewell of /close is built once, too', async () => {
  const { gateway, wire } = crowd({ extensions: '' });
  for (const connection of gateway.connections) connection.close = () => ({ type: 'closed' }) as never; // the closing handshake is not what this is about
  await gateway.answer({
    type: 'close-all',
    selector: ALL,
    farewell: { data: Buffer.from('bye'), isBinary: false },
    code: 1000,
    reason: '',
  });
  assert.equal(wire.length, CLIENTS);
  assert.equal(new Set(wire).size, 1);
});

test('a socket with compression gets the message, not the frame: each has a compressor of its own', async () => {
  const { gateway, wire, handed } = crowd({ extensions: 'permessage-deflate' });
  await gateway.answer({ type: 'send', selector: ALL, message: { data: Buffer.from('x'), isBinary: true } });
  assert.equal(handed.length, CLIENTS);
  assert.deepEqual(wire, []);
});

test('a frame has the shortest length form (RFC 6455 §5.2), is final and unmasked', () => {
  const lengths: [bytes: number, head: number[]][] = [
    [0, [0]],
    [1, [1]],
    [125, [125]],
    [126, [126, 0, 126]],
    [65_535, [126, 255, 255]],
    [65_536, [127, 0, 0, 0, 0, 0, 1, 0, 0]],
  ];
  for (const [bytes, head] of lengths) {
    const data = Buffer.alloc(bytes, 'x');
    assert.deepEqual(encodeFrame(data, false), Buffer.concat([Buffer.from([0x81, ...head]), data]), `${bytes} bytes of text`);
    assert.deepEqual(encodeFrame(data, true), Buffer.concat([Buffer.from([0x82, ...head]), data]), `${bytes} bytes`);
  }
});
