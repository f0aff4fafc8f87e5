import type { TestContext } from 'node:test';
import { WebSocket, type ClientOptions } from 'ws';
import { Arrivals } from './arrivals.ts';

export type Frame = { readonly data: Buffer; readonly text: string; readonly isBinary: boolean; readonly at: number };
export type Ending = { readonly code: number; readonly reason: string };

/** A client that is connected, with every frame that it has got since its first byte. */
export type Client = {
  readonly ws: WebSocket;
  readonly frames: Arrivals<Frame>;
  readonly ended: Promise<Ending>;
  readonly headers: Record<string, string | string[] | undefined>;
};

export type Refused = { readonly status: number; readonly headers: Record<string, string | string[] | undefined>; readonly body: string };

type Options = ClientOptions & { readonly subprotocols?: string[] };

/** Connects; rejects if refused. The socket is dropped when the test ends. */
export async function connect(t: Pick<TestContext, 'after'>, url: string, options: Options = {}): Promise<Client> {
  const result = await tryConnect(t, url, options);
  if ('status' in result) throw new Error(`refused with ${result.status}: ${result.body}`);
  return result;
}

/** The HTTP answer of a refusal; rejects if let in. */
export async function refusal(t: Pick<TestContext, 'after'>, url: string, options: Options = {}): Promise<Refused> {
  const result = await tryConnect(t, url, options);
  if (!('status' in result)) throw new Error('the client was let in');
  return result;
}

export function tryConnect(
  t: Pick<TestContext, 'after'>,
  url: string,
  { subprotocols = [], ...options }: Options = {},
): Promise<Client | Refused> {
  const ws = new WebSocket(url, subprotocols, { perMessageDeflate: false, ...options });
  t.after(() => ws.terminate());
  const frames = new Arrivals<Frame>();
  ws.on('message', (data: Buffer, isBinary: boolean) => frames.add({ data, text: data.toString(), isBinary, at: Date.now() }));
  const ended = new Promise<Ending>((resolve) => ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() })));
  return new Promise((resolve, reject) => {
    let headers = {};
    ws.on('upgrade', (response) => {
      headers = response.headers;
    });
    ws.on('open', () => resolve({ ws, frames, ended, headers }));
    ws.on('error', reject);
    ws.on('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', (chunk) => (body += String(chunk)));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.on('error', reject);
    });
  });
}
