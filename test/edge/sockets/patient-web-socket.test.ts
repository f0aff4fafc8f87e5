import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { WebSocketServer, type WebSocket } from 'ws';
import { patientWebSocket } from '../../../src/edge/sockets/patient-web-socket.ts';
import { closeFrame, frame, PING, PONG, CLOSE, TEXT, upgradeRaw, type RawSocket } from '../../support/raw-socket.ts';

type Scene = { readonly ws: WebSocket; readonly stream: Socket; readonly client: RawSocket };

/** A patient socket of the server, and a bare peer. */
async function scene(t: TestContext, clock: { now(): number } = performance, closeTimeoutMs = 60_000): Promise<Scene> {
  const server = createServer();
  const webSockets = new WebSocketServer({
    noServer: true,
    autoPong: false,
    ...({ WebSocket: patientWebSocket(clock, closeTimeoutMs) } as object),
  });
  const opened = new Promise<Omit<Scene, 'client'>>((resolve) => {
    server.on('upgrade', (request: IncomingMessage, stream: Socket, head: Buffer) =>
      webSockets.handleUpgrade(request, stream, head, (ws) => resolve({ ws, stream })),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const client = await upgradeRaw(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const { ws, stream } = await opened;
  t.after(() => ws.terminate());
  return { ws, stream, client };
}

/** Counts the writes of a stream, and how many of them were of several pieces. */
function counted(stream: Socket): { whole: number; inPieces: number } {
  const count = { whole: 0, inPieces: 0 };
  const write = stream._write.bind(stream);
  const writeAll = stream._writev?.bind(stream);
  stream._write = (...parameters) => ((count.whole += 1), write(...parameters));
  stream._writev = (...parameters) => ((count.inPieces += 1), writeAll?.(...parameters));
  return count;
}

test('the answer to a close frame leaves in one piece', async (t) => {
  const { ws, stream, client } = await scene(t);
  const writes = counted(stream);
  const closed = once(ws, 'close');
  client.write(closeFrame(4_001, 'bye'));
  assert.equal(await client.closeCode, 4_001);
  client.socket.end();
  assert.equal((await closed)[0], 4_001);
  assert.deepEqual(writes, { whole: 1, inPieces: 0 });
});

test('frames of one turn leave in their order, of whatever length', async (t) => {
  const { ws, client } = await scene(t);
  const long = 'x'.repeat(70_000);
  ws.send('first');
  ws.ping('mark');
  ws.send(long);
  ws.pong('');
  ws.send('last');
  ws.close(1000, 'done');
  await client.closeCode;
  assert.deepEqual(
    client.frames.all.map(({ opcode, payload, code }) => [opcode, opcode === CLOSE ? code : payload.toString()]),
    [
      [TEXT, 'first'],
      [PING, 'mark'],
      [TEXT, long],
      [PONG, ''],
      [TEXT, 'last'],
      [CLOSE, 1000],
    ],
  );
});

test('pongs of one turn leave in one write', async (t) => {
  const { ws, stream, client } = await scene(t);
  ws.on('ping', (payload: Buffer) => ws.pong(payload));
  const writes = counted(stream);
  client.write(frame(PING, 'one'), frame(PING, 'two'), frame(PING, 'three'));
  const three = await client.frames.atLeast(3);
  assert.deepEqual(
    three.map(({ payload }) => payload.toString()),
    ['one', 'two', 'three'],
  );
  assert.equal(writes.whole + writes.inPieces, 1);
});

test('a peer that answers no close frame is cut off when the time is over by the clock that was given', async (t) => {
  let time = 0;
  let asked = 0;
  const rangTwice = Promise.withResolvers<void>();
  const clock = {
    now() {
      asked += 1;
      if (asked === 3) rangTwice.resolve(); // once for the deadline, then each time that the machine's timer rings
      return time;
    },
  };
  const { ws, client } = await scene(t, clock, 5);
  const closed = once(ws, 'close');
  client.socket.pause();
  ws.close(1000);
  await rangTwice.promise;
  assert.equal(ws.readyState, ws.CLOSING);
  time = 5;
  assert.equal((await closed)[0], 1006);
});
