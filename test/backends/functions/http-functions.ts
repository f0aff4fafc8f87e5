import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { Transports } from '../../../src/backends/http/transports.ts';
import { Meter } from '../../../src/core/meter.ts';
import { Timings } from '../../../src/core/timings.ts';
import { systemClock } from '../../../src/core/system-clock.ts';
import type { Transport } from '../../../src/wire/calls.ts';
import { Arrivals } from '../../support/arrivals.ts';

export const SILENT_LOG = { error() {}, warn() {}, info() {}, debug() {}, isDebugging: false };

export type Asked = { readonly request: IncomingMessage; readonly body: Buffer; readonly response: ServerResponse };

/** An HTTP server that gets whole requests. */
export async function startServer(
  t: Pick<TestContext, 'after'>,
  handle: (asked: Asked) => void,
): Promise<{ origin: string; asked: Arrivals<Asked>; server: Server }> {
  const asked = new Arrivals<Asked>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { request, response, body: Buffer.concat(chunks) };
      asked.add(one);
      handle(one);
    });
  });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, server };
}

/** As the gateway has it, with its breaker. */
export function transportTo(t: Pick<TestContext, 'after'>, origin: string): Transport {
  const transports = new Transports({
    clock: systemClock,
    log: SILENT_LOG,
    observer: new Meter(),
    timings: new Timings(),
    tracing: null,
    connections: 16,
    pipelining: 1,
  });
  t.after(() => transports.close());
  return transports.to(origin);
}
