import type { Clock } from './ports.ts';

/** What is read slower. */
export type Readable = { pause(): void; resume(): void };

/** A client may run this far ahead of its rate before the gateway reads slower. */
const BURST_MS = 1_000;

/** Reads one connection no faster than MESSAGES_PER_SECOND on average; nothing is dropped, the socket is paused. */
export class Pace {
  readonly #connection: Readable;
  readonly #clock: Clock;
  readonly #spacingMs: number;
  #nextAt = 0;
  #isPausing = false;

  constructor(connection: Readable, clock: Clock, messagesPerSecond: number) {
    this.#connection = connection;
    this.#clock = clock;
    this.#spacingMs = 1_000 / messagesPerSecond;
  }

  /** A message was read. */
  took(): void {
    const now = this.#clock.now();
    this.#nextAt = Math.max(now, this.#nextAt) + this.#spacingMs;
    const aheadMs = this.#nextAt - now - BURST_MS;
    if (aheadMs <= 0 || this.#isPausing) return;
    this.#isPausing = true;
    this.#connection.pause();
    this.#wait(aheadMs);
  }

  #wait(ms: number): void {
    this.#clock.after(Math.ceil(ms), () => {
      const aheadMs = this.#nextAt - this.#clock.now() - BURST_MS; // one chunk can hold many messages
      if (aheadMs > 0) {
        this.#wait(aheadMs);
        return;
      }
      this.#isPausing = false;
      this.#connection.resume();
    });
  }
}
