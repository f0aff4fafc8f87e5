import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Pool } from 'undici';
import { WebSocketServer, type WebSocket } from 'ws';

// The yardstick: the wire contract of dialect wsaas on bare `ws` and bare `undici.request`, one client's messages in
// order, and nothing else: no retries, limits, metrics, logs or checks. Takes API_URI, HOST, PORT, TLS_CERT_FILE and TLS_KEY_FILE like the gateway.

const { API_URI, HOST = '127.0.0.1', PORT = '8080', TLS_CERT_FILE, TLS_KEY_FILE } = process.env;
if (API_URI === undefined) throw new Error('API_URI is wanted: the address of the backend, as http://host:port/path');
const { origin, pathname: path } = new URL(API_URI);
const pool = new Pool(origin, { connections: 64 });
const sockets = new Map<string, WebSocket>();
const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 262_144 });
const ACCEPTED = JSON.stringify({ code: 'OK' });

type Method = 'POST' | 'PUT' | 'DELETE';
type Party = { readonly id: string; readonly authorization: string };

async function call(method: Method, party: Party, body: string | Buffer): Promise<unknown> {
  const headers = {
    authorization: party.authorization,
    'content-type': method === 'PUT' ? 'text/plain; charset=utf-8' : 'application/json',
    'ws-uri': `${HOST}:${PORT}/${party.id}`,
  };
  const answer = await pool.request({ method, path, headers, body, reset: false }); // else undici hangs up after each DELETE
  if (method === 'POST') return answer.body.json();
  await answer.body.dump();
  return null;
}

const answer: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const data = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
    response.statusCode = deliver((request.url ?? '/').slice(1), data, request.headers['content-type'] === 'application/octet-stream');
    response.setHeader('content-type', 'application/json');
    response.end(ACCEPTED);
  });
};
const server =
  TLS_CERT_FILE === undefined || TLS_KEY_FILE === undefined
    ? createServer(answer)
    : createTlsServer({ cert: readFileSync(TLS_CERT_FILE), key: readFileSync(TLS_KEY_FILE) }, answer);

function deliver(id: string, data: Buffer, binary: boolean): number {
  if (id === 'broadcast') {
    for (const socket of sockets.values()) socket.send(data, { binary });
    return 200;
  }
  const socket = sockets.get(id);
  socket?.send(data, { binary });
  return socket === undefined ? 404 : 200;
}

server.on('upgrade', (request, stream, head) => {
  stream.on('error', () => stream.destroy());
  const party = { id: randomUUID(), authorization: request.headers.authorization ?? '' };
  const event = JSON.stringify({ code: 'NEW_CONNECTION', ws_uri: `${HOST}:${PORT}/${party.id}` });
  call('POST', party, event).then(
    () => webSockets.handleUpgrade(request, stream, head, (socket) => talk(socket, party)),
    () => stream.destroy(),
  );
});

function talk(socket: WebSocket, party: Party): void {
  sockets.set(party.id, socket);
  let last: Promise<unknown> = Promise.resolve();
  socket.on('message', (data: Buffer) => {
    last = last.then(() => call('PUT', party, data));
  });
  socket.on('close', (code) => {
    sockets.delete(party.id);
    const event = JSON.stringify({ code: 'CONNECTION_CLOSE', ws_uri: `${HOST}:${PORT}/${party.id}`, close_code: code });
    last = last.then(() => call('DELETE', party, event));
  });
}

server.listen({ host: HOST, port: Number(PORT), backlog: 4_096 });
process.on('SIGTERM', () => process.exit(0));
