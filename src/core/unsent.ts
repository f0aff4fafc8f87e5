import type { Companion } from './companion.ts';
import type { Message } from './events.ts';
import type { Socket } from './ports.ts';

/** Watches one connection's unsent bytes for a companion that wants to know when a crowded socket is empty again. */
export class Unsent {
  readonly #companion: Companion;
  readonly #crowdedBytes: number;
  #isCrowded = false;

  /** `crowdedBytes`: over so many unsent bytes the socket is crowded. */
  constructor(companion: Companion, crowdedBytes: number) {
    this.#companion = companion;
    this.#crowdedBytes = crowdedBytes;
  }

  send(socket: Socket, message: Message): void {
    this.#isCrowded ||= socket.bufferedBytes + message.data.length > this.#crowdedBytes;
    if (this.#isCrowded) socket.send(message, () => this.#taken(socket));
    else socket.send(message);
  }

  /** The last frame of a crowded time is taken when nothing is left. */
  #taken(socket: Socket): void {
    if (!this.#isCrowded || !socket.isOpen || socket.bufferedBytes > 0) return;
    this.#isCrowded = false;
    this.#companion.drained();
  }
}
