import { CLOSE, MAX_REASON_BYTES } from '../../core/close-codes.ts';
import type { Duplex, Writable } from 'node:stream';
import type { Socket as NetSocket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Connection } from '../../core/connection.ts';
import type { Message } from '../../core/events.ts';
import { corkToEndOfTurn, type Waiting } from '../../core/end-of-turn.ts';
import type { Socket } from '../../core/ports.ts';
import { COPIED_BYTES, encodeFrame } from './frame.ts';
import { PlainFrames } from './plain-frames.ts';

/** `ws` names its own reason for failing a connection; RFC 6455 §7.4.1 has the code that it put into its close frame. */
const CODE_OF_ERROR: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: CLOSE.INVALID_PAYLOAD,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: CLOSE.TOO_BIG,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: CLOSE.TOO_BIG,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: CLOSE.POLICY_VIOLATION,
};

/** Unsent bytes of a socket beyond which pongs wait. */
const PONGS_BYTES = 2_048;

/** As much of a reason as a close frame holds, whole characters. */
export function closeReason(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_REASON_BYTES) return text;
  let end = MAX_REASON_BYTES;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/** The port `Socket` over a `ws` socket. Listeners are attached at once, else the first frames would be lost. */
export class WsSocket implements Socket, Waiting {
  readonly #ws: WebSocket;
  readonly #stream: NetSocket;
  readonly #connection: Connection;
  readonly #isCompressed: boolean;
  /** The code of the close frame that we sent first, else 0; its reason counts also where the peer never answers. */
  #sentCode = 0;
  #sentReason = '';
  #failure: NodeJS.ErrnoException | null = null;
  #latestPing: Buffer | null = null;
  #isAnsweringPing = false;

  constructor(ws: WebSocket, stream: Duplex, connection: Connection) {
    this.#ws = ws;
    this.#stream = stream as NetSocket;
    this.#connection = connection;
    this.#isCompressed = ws.extensions !== '';
    ws.on('message', this.#message);
    new PlainFrames(ws, this.#stream, connection).start();
    ws.on('ping', this.#ping);
    ws.on('pong', this.#pong);
    ws.on('error', this.#error);
    ws.on('close', this.#close);
  }

  get isOpen(): boolean {
    return this.#ws.readyState === this.#ws.OPEN;
  }

  get bufferedBytes(): number {
    return this.#isCompressed ? this.#ws.bufferedAmount : this.#stream.writableLength; // the same, without what `ws` still compresses
  }

  get receivedBytes(): number {
    return this.#stream.bytesRead;
  }

  send(message: Message, taken?: () => void): void {
    if (!this.isOpen) return;
    const done = taken && ((error?: Error | null) => error ?? taken());
    if (message.shared !== undefined && !this.#isCompressed) {
      message.shared.wire ??= encodeFrame(message.data, message.isBinary);
      this.#stream.write(message.shared.wire, done);
      return; // not held back: a selection is worked off in slices of time, and its writes are what takes time
    }
    corkToEndOfTurn(this.#stream, this);
    // whole frames, and `ws` writes its own at once where nothing is compressed; one piece costs a system call less than its two
    if (!this.#isCompressed && message.data.length <= COPIED_BYTES) this.#stream.write(encodeFrame(message.data, message.isBinary), done);
    else this.#ws.send(message.data, { binary: message.isBinary }, done);
  }

  endTurn(): void {
    this.#stream.uncork();
  }

  close(code: number, reason: string): void {
    if (this.isOpen) {
      this.#sentCode = code;
      this.#sentReason = reason;
    }
    this.#ws.close(code, reason);
  }

  terminate(): void {
    this.#ws.terminate();
  }

  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  ping(): void {
    if (this.isOpen) this.#ws.ping();
  }

  readonly #message = (data: Buffer, isBinary: boolean): void => this.#connection.receive(data, isBinary);

  /** Every ping has its pong, in order, as far as the peer reads them; of those beyond, the latest has (RFC 6455 §5.5.3). */
  readonly #ping = (payload: Buffer): void => {
    this.#connection.alive();
    this.#connection.pace?.took(payload.length);
    if (!this.#isAnsweringPing && this.#stream.writableLength < PONGS_BYTES) {
      if (this.isOpen) this.#ws.pong(payload, false);
      return;
    }
    this.#latestPing = payload;
    if (!this.#isAnsweringPing) this.#answerPing();
  };

  readonly #pong = (): void => this.#connection.alive();

  readonly #answerPing = (): void => {
    const payload = this.#latestPing;
    this.#latestPing = null;
    this.#isAnsweringPing = payload !== null && this.isOpen;
    if (payload !== null && this.#isAnsweringPing) this.#ws.pong(payload, false, this.#answerPing);
  };

  readonly #error = (error: NodeJS.ErrnoException): void => {
    this.#failure ??= error;
  };

  readonly #close = (code: number, reason: Buffer): void => {
    const failureCode = this.#failure?.code;
    if (this.#sentCode === 0 && failureCode?.startsWith('WS_ERR_')) {
      this.#connection.ended(CODE_OF_ERROR[failureCode] ?? CLOSE.PROTOCOL_ERROR, this.#failure?.message ?? '', 'gateway');
    } else if (this.#sentCode !== 0) {
      // 1006 is what `ws` says when no close frame came: our own did not end the connection then
      this.#connection.ended(code === CLOSE.ABNORMAL ? CLOSE.ABNORMAL : this.#sentCode, this.#sentReason);
    } else {
      this.#connection.ended(code, reason.toString());
    }
  };
}

/** The part of `ws` 8.23.0 that is looked into (test/patched-libraries.test.ts). */
type Receiving = { readonly _receiver: Writable };

/**
 * `ws` ends its streams again whenever it hears of an end, and Node makes an Error with its stack for each, which nobody
 * sees: a tenth of what a close costs. To be called once, after `ws` has begun to read.
 */
export function endOnce(ws: WebSocket, stream: Duplex): void {
  stream.end = endUnlessEnded;
  (ws as unknown as Receiving)._receiver.end = endUnlessEnded;
}

function endUnlessEnded<Stream extends Writable>(this: Stream, ...args: unknown[]): Stream {
  const { end } = Object.getPrototypeOf(this) as { readonly end: (this: Stream, ...args: unknown[]) => unknown };
  if (!this.writableEnded) end.apply(this, args);
  return this;
}
