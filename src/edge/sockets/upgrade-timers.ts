import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../core/ports.ts';

/** Ends sockets that asked for an upgrade and got no answer in time. Nothing of it stays with a socket that got one. */
export class UpgradeTimers {
  readonly #clock: Clock;
  readonly #limitMs: () => number;
  readonly #timers = new WeakMap<Socket, Timer>();
  readonly #ended: (this: Socket) => void;

  constructor(clock: Clock, limitMs: () => number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    const stop = (socket: Socket): void => this.stop(socket);
    this.#ended = function ended(this: Socket) {
      stop(this);
    };
  }

  start(socket: Socket): void {
    socket.setTimeout(0); // of Node's own, for a socket that waits for its next request
    this.#timers.set(
      socket,
      this.#clock.after(this.#limitMs(), () => socket.destroy()),
    );
    socket.on('close', this.#ended);
  }

  stop(socket: Socket): void {
    this.#timers.get(socket)?.cancel();
    this.#timers.delete(socket);
    socket.off('close', this.#ended);
  }
}
