import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket as NetSocket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer, type ServerOptions } from 'ws';
import type { Connection } from '../../../src/core/connection.ts';
import { WsSocket } from '../../../src/edge/sockets/ws-socket.ts';
import { Arrivals } from '../../support/arrivals.ts';
import { endOfTurn } from '../../contracts/manual-clock.ts';
import { sampleConnection } from '../../contracts/samples.ts';
import { SCENE, socketContract, type Reports, type SocketScene } from '../../contracts/socket.ts';

/** A `ws` socket of each side, over loopback. */
async function pair(t: TestContext, options: ServerOptions = {}) {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: false,
    maxPayload: SCENE.maxMessageBytes,
    clientTracking: false,
    autoPong: false, // as in src/edge/sockets/plugin.ts
    ...options,
    ...({ closeTimeout: SCENE.closeTimeoutMs } as object),
  });
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    perMessageDeflate: options.perMessageDeflate === true,
  });
  const opened = once(client, 'open');
  const upgraded = once(client, 'upgrade');
  const [ws, request] = (await once(server, 'connection')) as [WebSocket, { socket: NetSocket }];
  t.after(() => {
    client.terminate();
    ws.terminate();
    server.close();
  });
  return {
    ws,
    stream: request.socket,
    client,
    ready: Promise.all([opened, upgraded]).then(([, [response]]) => (response as { socket: NetSocket }).socket),
  };
}

function factory(options: ServerOptions) {
  return async (t: TestContext, reports: Reports): Promise<SocketScene> => {
    const { ws, stream, client, ready } = await pair(t, options);
    const socket = new WsSocket(ws, stream, reports as Connection);
    return { socket, client, wire: await ready };
  };
}

socketContract('ws', factory({}));
socketContract('ws with compression', factory({ perMessageDeflate: true }));

test('a push after the client has said goodbye is not answered as sent: nobody gets it', async (t) => {
  const { ws, stream, client, ready } = await pair(t);
  const connection = sampleConnection();
  connection.attach(new WsSocket(ws, stream, connection), {
    type: 'accepted',
    tags: null,
    data: null,
    subprotocol: null,
    message: null,
    headers: [],
  });
  const wire = await ready;
  const frames = new Arrivals<string>();
  client.on('message', (data: Buffer) => frames.add(data.toString()));
  assert.equal(connection.push({ data: Buffer.from('while open'), isBinary: false }, null).type, 'sent');
  await frames.first(() => true);
  wire.pause(); // it reads no answer to its close frame, so that its end of the wire stays open
  client.close(1000);
  while (ws.readyState === ws.OPEN) await endOfTurn();
  const outcome = connection.push({ data: Buffer.from('to nobody'), isBinary: false }, null);
  assert.equal(outcome.type, 'not-found', 'G4: 200 means that the frame was handed to the socket of a live connection');
});
