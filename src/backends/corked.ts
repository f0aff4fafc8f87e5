import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { atEndOfTurn, type Waiting } from '../core/end-of-turn.ts';

/**
 * Wraps undici's connector so that each backend socket is held corked until the end of the turn of the event loop:
 * calls of one turn then leave together, those for one socket in one write. undici corks and uncorks around every call;
 * only the first counts here.
 */
export function corked(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    connect(options, (...args) => {
      if (args[0] === null) new HeldSocket(args[1]).takeOver();
      callback(...args);
    });
  };
}

class HeldSocket implements Waiting {
  readonly #socket: Socket;
  readonly #cork: () => void;
  readonly #uncork: () => void;
  #isHeld = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#cork = socket.cork.bind(socket);
    this.#uncork = socket.uncork.bind(socket);
  }

  takeOver(): void {
    this.#socket.cork = () => this.#hold();
    this.#socket.uncork = () => {};
  }

  endTurn(): void {
    this.#isHeld = false;
    this.#uncork();
  }

  #hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#cork();
    atEndOfTurn(this);
  }
}
