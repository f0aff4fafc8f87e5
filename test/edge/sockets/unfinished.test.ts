import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { boundUnfinished } from '../../../src/edge/sockets/unfinished.ts';
import { CONTINUATION, frame, PING, TEXT, upgradeRequest } from '../../support/raw-socket.ts';

type Receiver = { readonly _buffers: Buffer[]; readonly _fragments: Buffer[] };

/** A `ws` socket that is compacted after each read, and a peer that writes to it as it likes. */
async function scene(t: TestContext) {
  const wss = new WebSocketServer({ noServer: true, maxPayload: 2 ** 24, maxFragments: 0, maxBufferedChunks: 0, autoPong: false });
  const messages: Buffer[] = [];
  let read = 0;
  let held: Receiver | null = null;
  const http = createServer();
  http.on('upgrade', (request, socket, head) =>
    wss.handleUpgrade(request, socket, head, (ws) => {
      held = (ws as unknown as { _receiver: Receiver })._receiver;
      ws.on('message', (data: Buffer) => messages.push(data));
      ws.on('error', () => {}); // the peer leaves without reading
      boundUnfinished(ws, socket);
      socket.on('data', (chunk: Buffer) => (read += chunk.length));
    }),
  );
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => http.close());
  const peer = connect({ port: (http.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true });
  t.after(() => peer.destroy());
  peer.write(upgradeRequest());
  await once(peer, 'data');
  peer.resume(); // pongs
  /** Each piece is read before the next is written. */
  let written = 0;
  const write = async (piece: Buffer): Promise<void> => {
    written += piece.length;
    peer.write(piece);
    while (read < written) await turn();
  };
  const cost = () => {
    const pieces = [...(held?._buffers ?? []), ...(held?._fragments ?? [])];
    const memories = new Set(pieces.map(({ buffer }) => buffer));
    return {
      pieces: pieces.length,
      carried: pieces.reduce((sum, { length }) => sum + length, 0),
      kept: [...memories].reduce((sum, { byteLength }) => sum + byteLength, 0),
    };
  };
  return { write, cost, messages };
}

test('a frame that comes in single bytes costs little more than its bytes, and arrives', async (t) => {
  const { write, cost, messages } = await scene(t);
  const text = 'byte by byte '.repeat(200);
  const bytes = frame(TEXT, text);
  let most = 0;
  for (const byte of bytes) {
    await write(Buffer.from([byte]));
    most = Math.max(most, cost().pieces);
  }
  assert.ok(most <= 70, `${most} pieces`);
  assert.deepEqual(messages.map(String), [text]);
});

test('a message of one-byte fragments costs little more than its bytes, whether they come alone or thousands at once', async (t) => {
  const { write, cost, messages } = await scene(t);
  await write(frame(TEXT, 'a', { fin: false }));
  for (let index = 0; index < 500; index += 1) await write(frame(CONTINUATION, 'b', { fin: false }));
  for (let index = 0; index < 20; index += 1) {
    await write(Buffer.concat(Array.from({ length: 1_000 }, () => frame(CONTINUATION, 'c', { fin: false }))));
    assert.ok(cost().pieces <= 70 + index, `${cost().pieces} pieces`);
  }
  const { carried, kept } = cost();
  assert.ok(kept <= Math.max(4 * carried, 4 * 8_192) + 8_192, `${kept} bytes are kept for ${carried}`);
  await write(frame(CONTINUATION, 'd'));
  assert.deepEqual(messages.map(String), [`a${'b'.repeat(500)}${'c'.repeat(20_000)}d`]);
});

test('a small piece at the end of a large read does not keep the read', async (t) => {
  const { write, cost } = await scene(t);
  await write(frame(TEXT, 'a', { fin: false }));
  const pings = Buffer.concat(Array.from({ length: 400 }, () => frame(PING, 'x'.repeat(100))));
  for (let index = 0; index < 30; index += 1) await write(Buffer.concat([pings, frame(CONTINUATION, 'b', { fin: false })]));
  for (let index = 0; index < 5; index += 1) await write(Buffer.concat([pings, frame(CONTINUATION, 'c'.repeat(2_000), { fin: false })]));
  await write(Buffer.concat([pings, frame(CONTINUATION, 'd').subarray(0, 1)]));
  const { carried, kept } = cost();
  assert.ok(kept <= 4 * carried + 3 * 8_192, `${kept} bytes are kept for ${carried}`);
});
