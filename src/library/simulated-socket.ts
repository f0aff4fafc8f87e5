import { CLOSE } from '../core/close-codes.ts';
import type { Message } from '../core/events.ts';
import type { Socket } from '../core/ports.ts';

/** The connection that a socket reports to. */
type Reporting = { receive(data: Buffer, isBinary: boolean): void; alive(): void; ended(code: number, reason: string): void };

/** The port `Socket` without a network: its client takes every frame at once, answers pings and close frames, and says what it is told to. */
export class SimulatedSocket implements Socket {
  readonly bufferedBytes = 0;
  isOpen = true;
  receivedBytes = 0;
  /** Frames that came to the client. */
  frames = 0;
  readonly #connection: Reporting;
  readonly #left: () => void;
  readonly #unread: Message[] = [];
  #isPaused = false;

  constructor(connection: Reporting, left: () => void) {
    this.#connection = connection;
    this.#left = left;
  }

  send(_message: Message, taken?: () => void): void {
    if (!this.isOpen) return;
    this.frames += 1;
    if (taken !== undefined) process.nextTick(taken);
  }

  say(message: Message): void {
    if (!this.isOpen) return;
    this.receivedBytes += message.data.length;
    if (this.#isPaused) this.#unread.push(message);
    else this.#connection.receive(message.data, message.isBinary);
  }

  close(code: number, reason: string): void {
    this.#end(code, reason);
  }

  terminate(): void {
    this.#end(CLOSE.ABNORMAL, '');
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    while (!this.#isPaused) {
      const message = this.#unread.shift();
      if (message === undefined) return;
      this.#connection.receive(message.data, message.isBinary);
    }
  }

  ping(): void {
    process.nextTick(() => this.#connection.alive());
  }

  #end(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.resume(); // what its client had said before it saw the end
    process.nextTick(() => {
      this.#connection.ended(code, reason);
      this.#left();
    });
  }
}
