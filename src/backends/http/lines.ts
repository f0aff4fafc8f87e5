import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { buildConnector, Client, Dispatcher } from 'undici';
import { Fifo } from '../../core/fifo.ts';
import type { PartyHeaders } from '../../wire/party-headers.ts';

/** A call that goes out on a line. It gives its place back, by one of the `release`s, once undici has done with it. */
export interface Passenger extends Dispatcher.DispatchHandler {
  /** Only `Lines` reads and writes it. */
  line: Line | null;
  readonly options: Dispatcher.DispatchOptions;
  /** Headers beside those of `options`, ready to be written. */
  readonly partyHeaders: PartyHeaders | undefined;
  /** Nobody waits for it any more: while it has no line, it needs none. */
  readonly isOver: boolean;
}

/** One socket's place: undici's client, which connects when it is first needed, and again after a loss. */
export type Line = { readonly client: Client; running: number };

export type LinesOptions = {
  readonly newClient: () => Client;
  /** Sockets at most. */
  readonly connections: number;
  /** Calls on one socket whose answers are still out. */
  readonly pipelining: number;
  /** Called when undici has taken a call, or several. */
  readonly handedOver: () => void;
};

/**
 * The sockets to one origin. The one that was free last is taken first, in the same time however many there are, so that
 * a low rate uses few; what finds all of them busy waits, first come, first served.
 */
export class Lines {
  readonly #options: LinesOptions;
  readonly #all: Line[] = [];
  readonly #withRoom: Line[] = [];
  readonly #waiting = new Fifo<Passenger>();

  constructor(options: LinesOptions) {
    this.#options = options;
  }

  dispatch(passenger: Passenger): void {
    const line = this.#withRoom.at(-1) ?? this.#opened();
    if (line === null) {
      this.#waiting.push(passenger);
    } else {
      this.#board(line, passenger);
      this.#options.handedOver();
    }
  }

  /** It was answered; its socket is as good as before. */
  release(passenger: Passenger): void {
    const line = this.#left(passenger);
    if (line === null) return;
    if (line.running === this.#options.pipelining - 1) this.#withRoom.push(line);
    this.#fill();
  }

  /** It failed: its socket must connect again, so that other lines go first. undici has to finish with the failure before. */
  releaseBroken(passenger: Passenger): void {
    process.nextTick(() => {
      const line = this.#left(passenger);
      if (line === null) return;
      if (line.running === this.#options.pipelining - 1) this.#withRoom.unshift(line);
      this.#fill();
    });
  }

  async destroy(): Promise<void> {
    await Promise.all(this.#all.map(({ client }) => client.destroy()));
  }

  #opened(): Line | null {
    if (this.#all.length >= this.#options.connections) return null;
    const line = { client: this.#options.newClient(), running: 0 };
    this.#all.push(line);
    this.#withRoom.push(line);
    return line;
  }

  /** `line` is the last of those with room. */
  #board(line: Line, passenger: Passenger): void {
    passenger.line = line;
    line.running += 1;
    if (line.running === this.#options.pipelining) this.#withRoom.pop();
    joinNext(passenger.partyHeaders);
    line.client.dispatch(passenger.options, passenger);
    joinNext(undefined);
  }

  #left(passenger: Passenger): Line | null {
    const { line } = passenger;
    if (line === null) return null;
    passenger.line = null;
    line.running -= 1;
    return line;
  }

  #fill(): void {
    if (this.#waiting.length === 0) return;
    process.nextTick(this.#options.handedOver); // undici, in the middle of an answer, has yet to queue what it does next
    while (this.#waiting.length > 0) {
      const line = this.#withRoom.at(-1);
      const next = line && this.#waiting.shift();
      if (line === undefined || next === undefined) return;
      if (!next.isOver) this.#board(line, next);
    }
  }
}

/** For the request that undici makes next. */
let due: PartyHeaders | null = null;

/**
 * Written against undici 8.12.4, which checks and copies every header of every request; to go when it takes a head that was put
 * together before (test/patched-libraries.test.ts). It publishes a request when it has made it and before it writes it. What is
 * due joins it then: one value that has the other headers in it (docs/performance.md#what-the-time-goes-into).
 */
subscribe('undici:request:create', (message) => {
  if (due === null) return;
  const { request } = message as { readonly request: { readonly headers: string[] } };
  request.headers.push(due.list[0] ?? '', due.text ?? '');
  due = null; // what undici does on the way may dispatch another
});

/** Has undici's next request made with these headers, which must have their `text`, or with none: to be said before and after each. */
function joinNext(headers: PartyHeaders | undefined): void {
  due = headers ?? null;
}

/** Up to so many bytes of one socket are copied into one piece, which costs less than a vector of small ones (measured). */
const COPIED_AT_MOST = 4_096;

/**
 * Written against undici 8.12.4, whose sockets' `write`, `cork` and `uncork` it takes over; to go when undici gathers the
 * writes of a turn by itself (test/patched-libraries.test.ts).
 *
 * Lets the calls of one turn of the event loop be written right after one another, those of one socket in one write: a
 * backend is then woken once for many of them.
 *
 * undici looks, in a `setImmediate` of its own, whether an idle socket is still good, and writes in the same moment. What
 * it writes is held until those of all sockets have run, and no longer: between the look and the write no event is
 * handled, so that no call goes to a socket of which the end has been heard.
 */
export class TurnWrites {
  readonly #isPipelining: boolean;
  #due: NodeJS.Immediate | null = null;
  #held: HeldSocket[] = [];

  constructor(isPipelining: boolean) {
    this.#isPipelining = isPipelining;
  }

  /** To be called when a call was handed to undici: what is held is written after all that is queued by now. */
  handedOver(): void {
    if (this.#held.length > 0) return; // being gathered already
    if (this.#due !== null) clearImmediate(this.#due);
    this.#due = setImmediate(this.#writeAll);
  }

  /** Wraps undici's connector. */
  on(connect: buildConnector.connector): buildConnector.connector {
    return (options, callback) => {
      connect(options, (...args) => {
        if (args[0] === null) new HeldSocket(args[1], (one) => this.#completed(one)).takeOver();
        callback(...args);
      });
    };
  }

  #completed(one: HeldSocket): void {
    if (this.#due === null) {
      if (!this.#isPipelining) {
        one.writeHeld();
        return;
      }
      this.#due = setImmediate(this.#writeAll);
    }
    this.#held.push(one);
  }

  readonly #writeAll = (): void => {
    const held = this.#held;
    this.#held = [];
    this.#due = null;
    for (const one of held) one.writeHeld();
  };
}

const readers = new WeakMap<object, (bytes: Uint8Array) => void>();

/**
 * For the connector of undici 8.12.4, over TCP alone: all sockets read into one buffer, past Node's streams, which would
 * allocate 64 KB for every answer. A tenth of what a message costs (docs/performance.md#what-the-time-goes-into).
 */
export const READ_PAST_STREAMS = {
  onread: {
    buffer: Buffer.allocUnsafeSlow(65_536),
    callback(this: unknown, length: number, buffer: Uint8Array): boolean {
      readers.get(this as object)?.(buffer.subarray(0, length));
      return true;
    },
  },
};

/** What undici writes is whole: a header as latin1 and a body as Buffer, corked together, never with a callback. */
const NOTHING = Buffer.alloc(0);
const CONTINUE = 'HTTP/1.1 100';
const MOST_OF_CONTINUE = 16_384;

class HeldSocket {
  readonly #socket: Socket;
  readonly #completed: (one: HeldSocket) => void;
  readonly #write: (piece: string | Uint8Array, encoding?: BufferEncoding) => boolean;
  readonly #cork: () => void;
  readonly #uncork: () => void;
  #isCorked = false;
  #pieces: (string | Uint8Array)[] = [];
  #bytes = 0;
  /** Something was asked and nothing of an answer has come. */
  #awaitsAnswer = false;
  #begun: Buffer = NOTHING;
  /** Read past the stream, until undici takes it, which it does at once. */
  #arrived: Buffer | null = null;

  constructor(socket: Socket, completed: (one: HeldSocket) => void) {
    this.#socket = socket;
    this.#completed = completed;
    this.#write = socket.write.bind(socket);
    this.#cork = socket.cork.bind(socket);
    this.#uncork = socket.uncork.bind(socket);
  }

  takeOver(): void {
    const read = this.#socket.read.bind(this.#socket) as (size?: number) => Buffer | null;
    readers.set(this.#socket, (bytes) => this.#received(bytes));
    this.#socket.read = (size) => {
      if (size === 0) return read(size);
      const chunk = this.#arrived ?? read(size);
      this.#arrived = null;
      return this.#awaitsAnswer && chunk !== null ? this.#withoutContinue(chunk) : chunk;
    };
    this.#socket.cork = () => void (this.#isCorked = true);
    this.#socket.uncork = () => {
      this.#isCorked = false;
      this.#completed(this);
    };
    this.#socket.write = (piece: string | Uint8Array) => {
      this.#awaitsAnswer = true;
      this.#pieces.push(piece);
      this.#bytes += piece.length;
      if (!this.#isCorked) this.#completed(this);
      return true;
    };
  }

  /** What undici keeps of it outlives the buffer that all share. */
  #received(bytes: Uint8Array): void {
    const isLeft = this.#arrived !== null;
    this.#arrived = Buffer.from(bytes);
    if (isLeft) this.#socket.destroy(new Error('undici did not read what had come'));
    else this.#socket.emit('readable');
  }

  /**
   * `100 Continue` that nobody asked for stands before many an answer; undici ends the socket for it. Null: not all of it
   * has come yet.
   */
  #withoutContinue(chunk: Buffer): Buffer | null {
    const bytes = this.#begun.length === 0 ? chunk : Buffer.concat([this.#begun, chunk]);
    this.#begun = NOTHING;
    const seen = bytes.toString('latin1', 0, CONTINUE.length);
    const isContinue = seen.length < CONTINUE.length ? CONTINUE.startsWith(seen) : seen === CONTINUE;
    const end = isContinue ? bytes.indexOf('\r\n\r\n') : -1;
    if (isContinue && end < 0 && bytes.length <= MOST_OF_CONTINUE) {
      this.#begun = bytes;
      return null;
    }
    const rest = end < 0 ? bytes : bytes.subarray(end + 4);
    if (end >= 0 && rest.length === 0) return null;
    if (end >= 0) return this.#withoutContinue(rest); // there may be another
    this.#awaitsAnswer = false;
    return rest;
  }

  writeHeld(): void {
    const pieces = this.#pieces;
    const bytes = this.#bytes;
    if (bytes === 0) return; // pipelined, it is listed once for each call, and the first has written all
    this.#pieces = [];
    this.#bytes = 0;
    if (this.#socket.destroyed) return;
    if (bytes <= COPIED_AT_MOST) this.#write(joined(pieces, bytes));
    else this.#writeEach(pieces);
  }

  #writeEach(pieces: readonly (string | Uint8Array)[]): void {
    this.#cork();
    for (const piece of pieces) this.#write(piece, 'latin1');
    this.#uncork();
  }
}

function joined(pieces: readonly (string | Uint8Array)[], bytes: number): Buffer {
  const all = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const piece of pieces) {
    if (typeof piece === 'string') all.write(piece, at, 'latin1');
    else all.set(piece, at);
    at += piece.length;
  }
  return all;
}
