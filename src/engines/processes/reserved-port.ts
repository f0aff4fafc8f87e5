import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

export type ReservedPort = { readonly port: number; readonly release: () => void };

/**
 * The port that all workers, or all sockets of a process, share. In place of 0 a free one is taken and held, by SO_REUSEPORT as
 * theirs are, until they listen: else another program may take it. Any other is tried once, alone: SO_REUSEPORT would let us share it with
 * another program of the same user, and half of the clients would go there.
 */
export async function reservePort(host: string, port: number): Promise<ReservedPort> {
  const server = createServer((socket) => socket.destroy());
  server.listen({ port, host, reusePort: port === 0 });
  await once(server, 'listening');
  const { port: taken } = server.address() as AddressInfo;
  const release = (): void => void server.close();
  if (port === 0) return { port: taken, release };
  release();
  await once(server, 'close');
  return { port, release: () => {} };
}
