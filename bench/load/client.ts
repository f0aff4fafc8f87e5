import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { clientFrame } from './message.ts';
import type { Speech } from './speech.ts';

/** What a client tells its owner. All are called synchronously while its socket is read. */
export interface ClientOwner {
  opened(client: Client): void;
  /** `bytes` is only valid during the call. */
  message(client: Client, bytes: Buffer, span: readonly [start: number, end: number]): void;
  gone(client: Client): void;
}

export type ClientState = 'connecting' | 'open' | 'closing' | 'gone';

const PER_SOURCE_ADDRESS = 20_000; // well below the ephemeral ports of one address
const HEAD_END = Buffer.from('\r\n\r\n');
const NO_BYTES = Buffer.alloc(0);
const CLOSE_1000 = clientFrame(8, Buffer.from([0x03, 0xe8]));
const shared = Buffer.alloc(65_536); // sockets are read one after the other, so one buffer serves all

/** How the clients of a run come. */
export type Manner = { readonly speech: Speech | null; readonly isEncrypted: boolean };

/** A WebSocket client on a bare socket, with no more than the benchmarks need. */
export class Client {
  readonly index: number;
  state: ClientState = 'connecting';
  wasOpen = false;
  /** Of messages it sent, of those that have arrived at the backend, and of pushes that have arrived here. */
  sent = 0;
  arrived = 0;
  pushed = 0;
  /** Pushes sent to it. */
  pushesSent = 0;
  /** Path of the control API that reaches it, told by the gateway's open call. */
  pushPath = '';
  connectCalls = 0;
  closeCalls = 0;
  /** Status line of a refusal. */
  refusal = '';
  readonly #owner: ClientOwner;
  readonly #socket: Socket;
  #rest: Buffer = NO_BYTES;

  constructor(index: number, gatewayPort: number, { owner, speech, isEncrypted }: { readonly owner: ClientOwner } & Manner) {
    this.index = index;
    this.#owner = owner;
    const address = {
      host: '127.0.0.1',
      port: gatewayPort,
      ...(index < PER_SOURCE_ADDRESS ? {} : { localAddress: `127.0.0.${2 + Math.floor(index / PER_SOURCE_ADDRESS)}` }),
      noDelay: true,
    };
    this.#socket = isEncrypted
      ? connectTls({ ...address, rejectUnauthorized: false })
      : connect({ ...address, onread: { buffer: shared, callback: (size) => this.#read(size) } });
    if (isEncrypted) this.#socket.on('data', (bytes: Buffer) => this.#read(bytes.copy(shared)));
    this.#socket.on(isEncrypted ? 'secureConnect' : 'connect', () =>
      this.#socket.write(upgradeRequest(index, gatewayPort, speech), 'latin1'),
    );
    this.#socket.on('error', () => {}); // 'close' follows
    this.#socket.on('close', () => {
      this.state = 'gone';
      owner.gone(this);
    });
  }

  send(frame: Buffer): void {
    this.#socket.write(frame);
  }

  close(): void {
    if (this.state !== 'open') return;
    this.state = 'closing';
    this.#socket.write(CLOSE_1000);
  }

  /** As if its cable were cut. */
  destroy(): void {
    this.#socket.destroy();
  }

  #read(size: number): boolean {
    const bytes = this.#rest.length === 0 ? shared.subarray(0, size) : Buffer.concat([this.#rest, shared.subarray(0, size)]);
    let at = this.state === 'connecting' ? this.#readHead(bytes) : 0;
    if (this.state !== 'connecting') at = this.#readFrames(bytes, at);
    this.#rest = at === bytes.length ? NO_BYTES : Buffer.from(bytes.subarray(at));
    return true;
  }

  #readHead(bytes: Buffer): number {
    const end = bytes.indexOf(HEAD_END);
    if (end < 0) return 0;
    const statusLine = bytes.toString('latin1', 0, bytes.indexOf('\r\n'));
    if (!statusLine.startsWith('HTTP/1.1 101 ')) {
      this.refusal = statusLine;
      this.#socket.destroy();
      return bytes.length;
    }
    this.state = 'open';
    this.wasOpen = true;
    this.#owner.opened(this);
    return end + HEAD_END.length;
  }

  /** A server's frames are not masked (RFC 6455 §5.1), and a gateway has no reason to fragment ours. */
  #readFrames(bytes: Buffer, from: number): number {
    let at = from;
    while (bytes.length - at >= 2) {
      const opcode = (bytes[at] ?? 0) & 0x0f;
      let length = (bytes[at + 1] ?? 0) & 0x7f;
      let start = at + 2;
      if (length === 126) {
        if (bytes.length - at < 4) break;
        length = bytes.readUInt16BE(at + 2);
        start = at + 4;
      } else if (length === 127) throw new Error('a frame of at most 65535 bytes was wanted; the gateway sent a longer one');
      const end = start + length;
      if (end > bytes.length) break;
      if (opcode <= 2) this.#owner.message(this, bytes, [start, end]);
      else if (opcode === 9) this.#socket.write(clientFrame(10, bytes.subarray(start, end)));
      else if (opcode === 8) {
        if (this.state === 'open') this.#socket.write(clientFrame(8, bytes.subarray(start, end)));
        this.state = 'closing';
      }
      at = end;
    }
    return at;
  }
}

function upgradeRequest(index: number, gatewayPort: number, speech: Speech | null): string {
  return [
    `GET ${speech?.path(index) ?? '/'} HTTP/1.1`,
    `Host: 127.0.0.1:${gatewayPort}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${Buffer.from(String(index).padStart(16, '0')).toString('base64')}`,
    `Authorization: Bench ${index}`,
    ...(speech?.subprotocol ? [`Sec-WebSocket-Protocol: ${speech.subprotocol}`] : []),
    '\r\n',
  ].join('\r\n');
}
