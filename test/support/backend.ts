import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { Arrivals } from './arrivals.ts';

/** One call of the gateway, as the backend saw it. */
export type Call = {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** When its last byte came, epoch ms. */
  readonly at: number;
};

/** What to answer; `null` leaves the call hanging. Or take `response` and do as you like, then return `'taken'`. */
export type Answer =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: string | Buffer }
  | null
  | 'taken';
export type Handler = (call: Call, response: ServerResponse) => Answer | Promise<Answer>;

export const accept: Handler = () => ({ body: '{"code":"OK"}', headers: { 'content-type': 'application/json' } });

export type Backend = {
  readonly url: string;
  readonly port: number;
  /** Every call so far, and a way to wait for one. */
  readonly calls: Arrivals<Call>;
  /** Replaces what is answered from now on. */
  answer: Handler;
  /** As if the machine were switched off: port closed, sockets reset. */
  readonly kill: () => Promise<void>;
  /** Listens again on the same port. */
  readonly revive: () => Promise<void>;
  readonly server: Server;
};

/** A real HTTP backend on a free port that records what it is asked; closed when the test ends. */
export async function startBackend(t: Pick<TestContext, 'after'>, handler: Handler = accept): Promise<Backend> {
  const calls = new Arrivals<Call>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const call: Call = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body,
        text: body.toString(),
        at: Date.now(),
      };
      calls.add(call);
      void reply(call, response);
    });
    request.on('error', () => {});
  });
  server.keepAliveTimeout = 60_000;
  async function reply(call: Call, response: ServerResponse): Promise<void> {
    const answer = await backend.answer(call, response);
    if (answer === null || answer === 'taken' || response.destroyed) return;
    response.writeHead(answer.status ?? 200, answer.headers).end(answer.body);
  }
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', 4_096, () => {
        server.off('error', reject);
        resolve();
      });
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const kill = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  t.after(kill);
  const backend: Backend = { url: `http://127.0.0.1:${port}/ws`, port, calls, answer: handler, kill, revive: () => listen(port), server };
  return backend;
}
