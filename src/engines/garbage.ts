import type { Log } from '../core/ports.ts';

const LOG_EVERY_MS = 60_000;

/** Counts what came on a channel and could not be understood; the log hears of it at most once a minute. */
export class Garbage {
  readonly #log: Log;
  readonly #counted: (amount: number) => void;
  #all = 0;
  #untold = 0;
  #toldAt = -Infinity;

  constructor(log: Log, counted: (amount: number) => void) {
    this.#log = log;
    this.#counted = counted;
  }

  /** So many messages, in so many bytes. */
  came(messages: number, bytes: number): void {
    this.#all += messages;
    this.#untold += messages;
    this.#counted(messages);
    const now = performance.now();
    if (now - this.#toldAt < LOG_EVERY_MS) return;
    this.#log.warn(
      { count: this.#untold, total: this.#all, bytes },
      'messages on the cluster channels could not be understood and were dropped: is another version, or somebody else, on CLUSTER_NAME?',
    );
    this.#toldAt = now;
    this.#untold = 0;
  }
}
