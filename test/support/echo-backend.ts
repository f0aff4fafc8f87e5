import { createServer, request as ask, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
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

/** Lets every client in and gives each message back as it came (route option `reply`). It keeps nothing: a run may send gigabytes. */
export async function startEchoBackend(t: Pick<TestContext, 'after'>): Promise<EchoBackend> {
  const told: Told = { counts: { open: 0, message: 0, close: 0 }, strangePaths: [], strangeUrls: [] };
  const server = createServer((request, response) => {
    const { headers } = request;
    const { 'ws-event': event } = headers;
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      note(told, event, body);
      if (!URLS.test(request.url ?? '')) told.strangeUrls.push(request.url ?? '');
      const answer = (text: Buffer | string): unknown =>
        response.writeHead(200, { 'content-type': headers['content-type'] ?? 'text/plain' }).end(text);
      if (event !== 'message') answer('{"code":"OK"}');
      else if (body.length > 0) answer(body);
      else pushNothing(headers, () => answer(''));
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4_096, resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/ws`, port, told };
}

function note({ counts, strangePaths }: Told, event: string | string[] | undefined, body: Buffer): void {
  if (event !== 'open' && event !== 'message' && event !== 'close') return;
  counts[event] += 1;
  if (event !== 'open') return;
  const { path = '/' } = JSON.parse(body.toString()) as { path?: string };
  if (!/^\/[^?#]*$/.test(path)) strangePaths.push(path);
}

/** An empty answer means that nothing goes back, so an empty message is given back by a push, before its answer. */
function pushNothing(headers: IncomingHttpHeaders, done: () => void): void {
  const pushing = ask(`http://${String(headers['ws-uri'])}`, { method: 'PUT', headers: { 'content-type': headers['content-type'] } });
  pushing.on('response', (response) => response.resume().on('end', done));
  pushing.on('error', done); // its client has left, or the gateway: the answer tells
  pushing.end();
}
