import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { atEndOfTurn, type Waiting } from '../core/end-of-turn.ts';

/** Up to so many bytes of one turn are copied into one piece, which costs less than a vector of small ones (measured). */
const COPIED_AT_MOST = 4_096;

/**
 * Wraps undici's connector so that what is written to a backend socket in one turn of the event loop leaves in one write
 * at the end of that turn. All sockets then write right after one another: a backend is woken once for many calls.
 */
export function withTurnWrites(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    connect(options, (...args) => {
      if (args[0] === null) new TurnWrites(args[1]).takeOver();
      callback(...args);
    });
  };
}

/** What undici writes is whole: a header as latin1 and a body as Buffer, never with a callback. */
class TurnWrites implements Waiting {
  readonly #socket: Socket;
  readonly #write: (piece: string | Uint8Array, encoding?: BufferEncoding) => boolean;
  readonly #cork: () => void;
  readonly #uncork: () => void;
  #pieces: (string | Uint8Array)[] = [];
  #bytes = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#write = socket.write.bind(socket);
    this.#cork = socket.cork.bind(socket);
    this.#uncork = socket.uncork.bind(socket);
  }

  takeOver(): void {
    this.#socket.cork = () => {};
    this.#socket.uncork = () => {};
    this.#socket.write = (piece: string | Uint8Array) => this.#hold(piece);
  }

  endTurn(): void {
    const pieces = this.#pieces;
    const bytes = this.#bytes;
    this.#pieces = [];
    this.#bytes = 0;
    if (this.#socket.destroyed) return;
    if (bytes <= COPIED_AT_MOST) this.#write(joined(pieces, bytes));
    else this.#writeEach(pieces);
  }

  #hold(piece: string | Uint8Array): boolean {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#pieces.length === 1) atEndOfTurn(this);
    return true;
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
