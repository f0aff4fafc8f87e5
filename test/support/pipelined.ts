import { connect as connectTcp } from 'node:net';
import type { TestContext } from 'node:test';

type Pipeline = {
  /** Sent one behind the other, without waiting for an answer. */
  readonly requests: readonly string[];
  /** How many bytes a write has. */
  readonly bytesApiece: number;
};

/** One request as bytes, for a connection that others share. */
export function pipelined(method: string, path: string, body = ''): string {
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Sends all requests over one connection and resolves to the statuses of their answers, in the order in which these came. */
export async function exchangePipelined(
  t: Pick<TestContext, 'after'>,
  url: string,
  { requests, bytesApiece }: Pipeline,
): Promise<number[]> {
  const { hostname, port } = new URL(url);
  const socket = connectTcp({ host: hostname, port: Number(port), noDelay: true });
  t.after(() => socket.destroy());
  const bytes = Buffer.from(requests.join(''));
  for (let from = 0; from < bytes.length; from += Math.min(bytesApiece, bytes.length))
    socket.write(bytes.subarray(from, from + bytesApiece));
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
    if (statuses.length === requests.length) return statuses;
  }
  throw new Error(`the connection ended after: ${text.slice(-300)}`);
}
