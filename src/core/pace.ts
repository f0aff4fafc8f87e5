import type { Limits } from './limits.ts';
import type { Clock } from './ports.ts';

/** What is read slower. */
export type Readable = { pause(): void; resume(): void };

/** A client may run this far ahead of its rates before the gateway reads slower. */
const BURST_MS = 1_000;

export type Rates = Pick<Limits, 'messagesPerSecond' | 'bytesPerSecond'>;

/** Null: nothing is to be held back. */
export function paceOf(connection: Readable, clock: Clock, rates: Rates): Pace | null {
  return rates.messagesPerSecond === 0 && rates.bytesPerSecond === 0 ? null : new Pace(connection, clock, rates);
}

/** Reads one connection no faster than its rates on average; nothing is dropped, the socket is paused. */
export class Pace {
  readonly #connection: Readable;
  readonly #clock: Clock;
  readonly #messageMs: number;
  readonly #byteMs: number;
  /** The times at which what was read would have been due, by each rate. */
  #messagesUntil = 0;
  #bytesUntil = 0;
  #isPausing = false;

  constructor(connection: Readable, clock: Clock, { messagesPerSecond, bytesPerSecond }: Rates) {
    this.#connection = connection;
    this.#clock = clock;
    this.#messageMs = messagesPerSecond === 0 ? 0 : 1_000 / messagesPerSecond;
    this.#byteMs = bytesPerSecond === 0 ? 0 : 1_000 / bytesPerSecond;
  }

  /** A message or a ping was read. */
  took(bytes: number): void {
    const now = this.#clock.now();
    this.#messagesUntil = Math.max(now, this.#messagesUntil) + this.#messageMs;
    this.#bytesUntil = Math.max(now, this.#bytesUntil) + bytes * this.#byteMs;
    const aheadMs = this.#aheadMs(now);
    if (aheadMs <= 0 || this.#isPausing) return;
    this.#isPausing = true;
    this.#connection.pause();
    this.#wait(aheadMs);
  }

  #aheadMs(now: number): number {
    return Math.max(this.#messagesUntil, this.#bytesUntil) - now - BURST_MS;
  }

  #wait(ms: number): void {
    this.#clock.after(Math.ceil(ms), () => {
      const aheadMs = this.#aheadMs(this.#clock.now()); // one chunk can hold many messages
      if (aheadMs > 0) {
        this.#wait(aheadMs);
        return;
      }
      this.#isPausing = false;
      this.#connection.resume();
    });
  }
}
