import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';

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

/** What undici writes is whole: a header as latin1 and a body as Buffer, corked together, never with a callback. */
class HeldSocket {
  readonly #socket: Socket;
  readonly #completed: (one: HeldSocket) => void;
  readonly #write: (piece: string | Uint8Array, encoding?: BufferEncoding) => boolean;
  readonly #cork: () => void;
  readonly #uncork: () => void;
  #isCorked = false;
  #pieces: (string | Uint8Array)[] = [];
  #bytes = 0;

  constructor(socket: Socket, completed: (one: HeldSocket) => void) {
    this.#socket = socket;
    this.#completed = completed;
    this.#write = socket.write.bind(socket);
    this.#cork = socket.cork.bind(socket);
    this.#uncork = socket.uncork.bind(socket);
  }

  takeOver(): void {
    this.#socket.cork = () => void (this.#isCorked = true);
    this.#socket.uncork = () => {
      this.#isCorked = false;
      this.#completed(this);
    };
    this.#socket.write = (piece: string | Uint8Array) => {
      this.#pieces.push(piece);
      this.#bytes += piece.length;
      if (!this.#isCorked) this.#completed(this);
      return true;
    };
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
