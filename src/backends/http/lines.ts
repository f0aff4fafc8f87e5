import type { Client, Dispatcher } from 'undici';
import { Fifo } from '../../core/fifo.ts';

/** A call that goes out on a line. It gives its place back, by one of the `release`s, once undici has done with it. */
export interface Passenger extends Dispatcher.DispatchHandler {
  /** Only `Lines` reads and writes it. */
  line: Line | null;
  readonly options: Dispatcher.DispatchOptions;
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
    line.client.dispatch(passenger.options, passenger);
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
