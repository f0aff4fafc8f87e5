import { connect, type Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const NO_BYTES = Buffer.alloc(0);
const shared = Buffer.alloc(65_536);

/** One keep-alive HTTP connection to the control API, one request at a time. */
export class Pusher {
  isWaiting = false;
  /** Index of the client whose frame is still out, or -1. */
  target = -1;
  /** The answer to its one request is whole. Status 0: the gateway hung up instead. */
  onAnswered: (status: number) => void = () => {};
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | null = null;
  #rest: Buffer = NO_BYTES;

  constructor(gatewayPort: number) {
    this.#port = gatewayPort;
    this.#host = `127.0.0.1:${gatewayPort}`;
  }

  /** `request` is method and path, as `PUT /abc`. */
  push(request: string, body: Buffer): void {
    this.isWaiting = true;
    const head = Buffer.from(
      `${request} HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n`,
      'latin1',
    );
    this.#socket ??= this.#connect();
    this.#socket.write(Buffer.concat([head, body]));
  }

  close(): void {
    this.#socket?.destroy();
  }

  #connect(): Socket {
    const socket = connect({
      host: '127.0.0.1',
      port: this.#port,
      noDelay: true,
      onread: { buffer: shared, callback: (size) => this.#read(size) },
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      if (this.#socket !== socket) return; // replaced already
      this.#socket = null;
      this.#rest = NO_BYTES;
      if (this.isWaiting) this.#done(0);
    });
    return socket;
  }

  #read(size: number): boolean {
    const bytes = this.#rest.length === 0 ? shared.subarray(0, size) : Buffer.concat([this.#rest, shared.subarray(0, size)]);
    const headEnd = bytes.indexOf(HEAD_END);
    const head = bytes.toString('latin1', 0, Math.max(0, headEnd));
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (headEnd < 0 || bytes.length < headEnd + HEAD_END.length + length) {
      this.#rest = Buffer.from(bytes);
      return true;
    }
    this.#rest = NO_BYTES;
    if (/^connection: *close$/im.test(head)) {
      this.#socket?.destroy();
      this.#socket = null;
    }
    this.#done(Number(head.slice(9, 12)));
    return true;
  }

  #done(status: number): void {
    this.isWaiting = false;
    this.onAnswered(status);
  }
}
