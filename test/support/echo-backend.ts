import { request as ask } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export type EventCounts = { open: number; message: number; close: number };
export type EchoBackend = { readonly url: string; readonly port: number; readonly told: Told };
/** What the gateway told; nothing else of it is kept. */
export type Told = {
  readonly counts: EventCounts;
  /** Of clients whose path is none (RFC 3986 §3.3): a query, a fragment or another host in it. */
  readonly strangePaths: string[];
  /** At which it was asked, though no dialect has them. */
  readonly strangeUrls: string[];
};

const URLS = /^\/ws(\/(connect|call|send)\/[^/?#]+(\/[^/?#]+\/[^/?#]+)?)?$/; // dialects wsaas and ocpp

type Call = { readonly url: string; readonly event: string; readonly type: string; readonly uri: string; readonly body: Buffer };

/**
 * Lets every client in and gives each message back as it came (route option `reply`). It keeps nothing: a run may send
 * gigabytes. It knows just the form in which the gateway calls, since a whole HTTP server would cost as much as the gateway.
 */
export async function startEchoBackend(t: Pick<TestContext, 'after'>): Promise<EchoBackend> {
  const told: Told = { counts: { open: 0, message: 0, close: 0 }, strangePaths: [], strangeUrls: [] };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    readCalls(socket, (call) => answer(told, call, socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4_096, resolve));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/ws`, port, told };
}

function readCalls(socket: Socket, take: (call: Call) => void): void {
  let pieces: Buffer[] = [];
  let has = 0;
  let needs = 1;
  socket.on('data', (chunk: Buffer) => {
    pieces.push(chunk);
    has += chunk.length;
    if (has < needs) return;
    let bytes = pieces.length === 1 ? chunk : Buffer.concat(pieces);
    for (;;) {
      const end = bytes.indexOf('\r\n\r\n');
      const head = end < 0 ? '' : bytes.toString('latin1', 0, end + 2);
      const stop = end < 0 ? bytes.length + 1 : end + 4 + Number(headerOf(head, 'content-length') || 0);
      needs = bytes.length < stop ? stop : 1;
      if (needs > 1) break;
      const [, url = ''] = head.split(' ', 2);
      const [event, type, uri] = [headerOf(head, 'ws-event'), headerOf(head, 'content-type'), headerOf(head, 'ws-uri')];
      take({ url, event, type, uri, body: bytes.subarray(end + 4, stop) });
      bytes = bytes.subarray(stop);
      if (bytes.length === 0) break;
    }
    pieces = bytes.length === 0 ? [] : [bytes];
    has = bytes.length;
  });
}

function headerOf(head: string, name: string): string {
  return new RegExp(`\\r\\n${name}: ([^\\r]*)`, 'i').exec(head)?.[1] ?? '';
}

function answer(told: Told, { url, event, type, uri, body }: Call, socket: Socket): void {
  note(told, event, body);
  if (!URLS.test(url)) told.strangeUrls.push(url);
  const say = (text: Buffer | string): void => {
    socket.cork();
    socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${type || 'text/plain'}\r\nContent-Length: ${text.length}\r\n\r\n`);
    if (text.length > 0) socket.write(text);
    socket.uncork();
  };
  if (event !== 'message') say('{"code":"OK"}');
  else if (body.length > 0) say(body);
  else pushNothing({ uri, type }, () => say(''));
}

function note({ counts, strangePaths }: Told, event: string, body: Buffer): void {
  if (event !== 'open' && event !== 'message' && event !== 'close') return;
  counts[event] += 1;
  if (event !== 'open') return;
  const { path = '/' } = JSON.parse(body.toString()) as { path?: string };
  if (!/^\/[^?#]*$/.test(path)) strangePaths.push(path);
}

/** An empty answer means that nothing goes back, so an empty message is given back by a push, before its answer. */
function pushNothing({ uri, type }: { readonly uri: string; readonly type: string }, done: () => void): void {
  const pushing = ask(`http://${uri}`, { method: 'PUT', headers: { 'content-type': type } });
  pushing.on('response', (response) => response.resume().on('end', done));
  pushing.on('error', done); // its client has left, or the gateway: the answer tells
  pushing.end();
}
