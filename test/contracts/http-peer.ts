import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { Arrivals } from '../support/arrivals.ts';

/** One request as it came over the wire, and the socket to answer it on, byte by byte if need be. */
export type PeerRequest = {
  readonly method: string;
  readonly path: string;
  /** Name and value as sent. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly socket: Socket;
};

export type Peer = {
  readonly origin: string;
  readonly requests: Arrivals<PeerRequest>;
  /** Sockets ever accepted. */
  readonly sockets: Socket[];
  readonly server: Server;
};

export const OK_ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** A server that is no better than its test: it reads requests by their Content-Length and answers whatever it is told to. */
export async function startPeer(t: Pick<TestContext, 'after'>, handle: (request: PeerRequest) => void): Promise<Peer> {
  const requests = new Arrivals<PeerRequest>();
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    let unread = '';
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      unread += chunk.toString('latin1');
      for (let end = unread.indexOf('\r\n\r\n'); end >= 0; end = unread.indexOf('\r\n\r\n')) {
        const length = Number(/^content-length: (\d+)$/im.exec(unread.slice(0, end))?.[1] ?? 0);
        if (unread.length < end + 4 + length) return;
        const request = { ...readHead(unread.slice(0, end)), body: unread.slice(end + 4, end + 4 + length), socket };
        unread = unread.slice(end + 4 + length);
        requests.add(request);
        handle(request);
      }
    });
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, sockets, server };
}

/** An origin on which nobody listens (any more). */
export async function deadOrigin(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

function readHead(head: string): Pick<PeerRequest, 'method' | 'path' | 'headers'> {
  const [first = '', ...lines] = head.split('\r\n');
  const [method = '', path = ''] = first.split(' ');
  return {
    method,
    path,
    headers: lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  };
}
