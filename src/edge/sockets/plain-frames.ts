import { isUtf8 } from 'node:buffer';
import { Socket } from 'node:net';
import { markAsUntransferable } from 'node:worker_threads';
import type { WebSocket } from 'ws';
import type { Connection } from '../../core/connection.ts';

/** The parts of `ws` 8.23.0 that are looked into (test/patched-libraries.test.ts). */
type Receiver = {
  readonly _state: number;
  readonly _bufferedBytes: number;
  readonly _fragmented: number;
  readonly _maxPayload: number;
};

/** `_state` of a receiver between two frames. */
const BETWEEN_FRAMES = 0;

/** All sockets are read into this, one after the other: what is to be kept is copied. As much as Node reads at once. */
const READ_BYTES = 65_536;
const read = Buffer.allocUnsafeSlow(READ_BYTES);

/** What `onread` of `net.connect` sets, which no option sets for a socket that was accepted (Node 24; test/edge/sockets/plain-frames.test.ts). */
type Accepted = { [key: symbol]: unknown; readonly _handle: { readonly useUserBuffer?: (buffer: Buffer) => void } | null };
const [BUFFER, CALLBACK] = ['kBuffer', 'kBufferCb'].map((name) =>
  Object.getOwnPropertySymbols(new Socket()).find(({ description }) => description === name),
);

/** First bytes of whole messages that are not compressed, and what their second bytes tell (RFC 6455 §5.2). */
const TEXT = 0x81;
const BINARY = 0x82;
const IS_MASKED = 0x80;
const LENGTH_FOLLOWS = 126;
const SHORTEST_FRAME = 6;

/**
 * What clients send most, a whole message in one frame, is read here: past Node's stream, which would allocate 64 KB for every
 * read, and past `ws`, which would make six Buffers of it. Everything else goes to `ws` as it came: other frames, parts of
 * frames, and what breaks the protocol. While `ws` has begun something, all goes to it. Both ways lead to the same
 * (test/edge/sockets/plain-frames.test.ts). A third of what a message costs (docs/performance.md#what-the-time-goes-into).
 */
export class PlainFrames {
  readonly #ws: WebSocket;
  readonly #stream: Socket;
  readonly #receiver: Receiver;
  readonly #connection: Pick<Connection, 'receive'>;

  constructor(ws: WebSocket, stream: Socket, connection: Pick<Connection, 'receive'>) {
    this.#ws = ws;
    this.#stream = stream;
    this.#receiver = (ws as unknown as { readonly _receiver: Receiver })._receiver;
    this.#connection = connection;
  }

  /** To be called once, when `ws` has begun to read. Without effect where messages may be compressed, or where this Node is another. */
  start(): void {
    const accepted = this.#stream as unknown as Accepted;
    if (BUFFER === undefined || CALLBACK === undefined || this.#ws.extensions !== '') return;
    if (accepted._handle?.useUserBuffer === undefined) return;
    accepted[BUFFER] = read;
    accepted[CALLBACK] = this.#arrived;
    accepted._handle.useUserBuffer(read);
  }

  /** False: no more is to be read for now. */
  readonly #arrived = (length: number): boolean => {
    let at = 0;
    while (at < length && this.#isForUs) {
      const next = this.#message(at, length);
      if (next === at) break;
      at = next;
    }
    return at === length || this.#stream.push(copied(at, length));
  };

  /** Has `ws` begun nothing that is not done? Over TLS there may be more to read also for who is paused. */
  get #isForUs(): boolean {
    const { _state, _bufferedBytes, _fragmented } = this.#receiver;
    return (
      _state === BETWEEN_FRAMES &&
      _bufferedBytes === 0 &&
      _fragmented === 0 &&
      this.#ws.readyState === this.#ws.OPEN &&
      !this.#ws.isPaused &&
      this.#stream.readableLength === 0
    );
  }

  /** Where the next frame begins; `at`: this is none that is read here. */
  #message(at: number, end: number): number {
    const [kind, length] = [read[at], read[at + 1] ?? 0];
    if (end - at < SHORTEST_FRAME || (kind !== TEXT && kind !== BINARY) || length < IS_MASKED) return at;
    const short = length - IS_MASKED;
    if (short > LENGTH_FOLLOWS) return at;
    const mask = short === LENGTH_FOLLOWS ? at + 4 : at + 2;
    const size = short === LENGTH_FOLLOWS ? read.readUInt16BE(at + 2) : short;
    const next = mask + 4 + size;
    const { _maxPayload: most } = this.#receiver;
    if (next > end || (most > 0 && size > most)) return at;
    const data = takeSpace(size);
    const isAscii = size < MANY_BYTES ? unmask(mask, data) : unmaskMany(mask, data);
    if (kind === TEXT && !isAscii && !isUtf8(data)) return at;
    this.#connection.receive(data, kind === BINARY);
    return next;
  }
}

/** With memory of its own, as what Node's stream reads has: `ws` keeps parts of it as long as their message waits. */
function copied(from: number, to: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(to - from);
  read.copy(bytes, 0, from, to);
  return bytes;
}

/** From `read`, where the payload stands behind its mask (RFC 6455 §5.3). Are all bytes of it below 128? */
function unmask(mask: number, data: Buffer): boolean {
  const payload = mask + 4;
  let all = 0;
  for (let index = 0; index < data.length; index += 1) {
    const byte = (read[payload + index] ?? 0) ^ (read[mask + (index & 3)] ?? 0);
    data[index] = byte;
    all |= byte;
  }
  return all < 0x80;
}

/** From here on, four bytes at once cost less than one after the other: a quarter at 16 KB. */
const MANY_BYTES = 2_048;

/** The same. `data` has memory of its own. */
function unmaskMany(mask: number, data: Buffer): boolean {
  const payload = mask + 4;
  read.copy(data, 0, payload, payload + data.length);
  const words = new Int32Array(data.buffer, 0, data.length >> 2);
  const [key = 0] = new Int32Array(Uint8Array.from(read.subarray(mask, payload)).buffer);
  let all = 0;
  for (let index = 0; index < words.length; index += 1) {
    const word = (words[index] ?? 0) ^ key;
    words[index] = word;
    all |= word;
  }
  let isAscii = (all & 0x80808080) === 0;
  for (let index = 4 * words.length; index < data.length; index += 1) {
    const byte = (data[index] ?? 0) ^ (read[mask + (index & 3)] ?? 0);
    data[index] = byte;
    isAscii &&= byte < 0x80;
  }
  return isAscii;
}

/** Small messages share memory, but not Node's pool: one that has to wait would keep all of that (64 KB in Node 24). */
const SPACE_BYTES = 1_024;
let space = newSpace();
let taken = 0;

function takeSpace(size: number): Buffer {
  if (size > SPACE_BYTES / 4) return Buffer.allocUnsafeSlow(size);
  if (taken + size > SPACE_BYTES) {
    space = newSpace();
    taken = 0;
  }
  taken += size;
  return space.subarray(taken - size, taken);
}

/** Handlers get messages as they are: one that gives its message away, to a thread, would take others' with it. */
function newSpace(): Buffer {
  const bytes = Buffer.allocUnsafeSlow(SPACE_BYTES);
  markAsUntransferable(bytes.buffer);
  return bytes;
}
