import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';

/**
 * libuv accepts one connection of a listening socket in each turn of the loop, so in a storm every turn does the work of one
 * connection. More sockets on the same port (SO_REUSEPORT) give it several: a connect costs a fifth less
 * (docs/performance.md#what-the-time-goes-into).
 */
const MORE_SOCKETS = 3;

/** Can sockets share a port here, with the kernel spreading what comes? (Node's `reusePort`.) */
export const CAN_SHARE_PORTS = process.platform === 'linux';

/** More sockets that listen for a server. */
export class MoreAccepts {
  readonly #servers: Server[] = [];

  /** On the port on which `http` listens already, with `reusePort`; what they accept is `http`'s. Rejects where one cannot listen. */
  async open(http: HttpServer, backlog: number): Promise<void> {
    if (!CAN_SHARE_PORTS) return;
    const { address, port } = http.address() as AddressInfo;
    const opened = Array.from({ length: MORE_SOCKETS }, () => {
      // as node:http makes its own
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => http.emit('connection', socket));
      this.#servers.push(server);
      server.listen({ host: address, port, backlog, reusePort: true });
      return once(server, 'listening');
    });
    await Promise.all(opened);
  }

  /** Listens no longer; resolves when the connections that these sockets accepted have ended. Idempotent. */
  async close(): Promise<void> {
    const closed = this.#servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)));
    await Promise.all(closed);
  }
}
