import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The sockets of a server that belong to no client and to no known caller of the control API: a stranger opens them for
 * nothing. They are counted, and over the limit the one that was quiet for longest is dropped, so that neither unfinished
 * requests nor idle sockets use up the files that clients and backends need.
 */
export class HttpSockets {
  readonly #limit: () => number;
  /** In the order of their last request. */
  readonly #sockets = new Set<Socket>();
  readonly #forget: (this: Socket) => void;

  constructor(limit: () => number) {
    this.#limit = limit;
    const sockets = this.#sockets;
    this.#forget = function forget(this: Socket) {
      sockets.delete(this);
    };
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Counts every socket of this server from now on. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.#opened(socket));
  }

  /** A request came on it. */
  active(socket: Socket): void {
    const counted = countedAs(socket);
    if (this.#sockets.delete(counted)) this.#sockets.add(counted);
  }

  /** It is a client now, or its caller is known: somebody else counts it. */
  release(socket: Socket): void {
    const counted = countedAs(socket);
    if (this.#sockets.delete(counted)) counted.off('close', this.#forget);
  }

  #opened(socket: Socket): void {
    if (this.#sockets.size >= this.#limit()) {
      const [quietest] = this.#sockets;
      if (quietest !== undefined) {
        this.#sockets.delete(quietest);
        quietest.destroy();
      }
    }
    this.#sockets.add(socket);
    socket.on('close', this.#forget);
  }
}

/** With TLS, the socket of requests is another than the one that came in: Node 24 keeps that as `_parent` (test/edge/server/tls.test.ts). */
function countedAs(socket: Socket & { readonly _parent?: Socket | null }): Socket {
  return socket._parent ?? socket;
}
