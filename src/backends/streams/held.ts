import type { Receiver } from '../../core/ports.ts';
import type { Entry } from '../../wire/entries.ts';
import type { Fate, Parcel } from '../../wire/streams.ts';

/** What became of an event that was to be written. */
export type Writing =
  | { readonly type: 'stored' }
  | {
      readonly type: 'failed';
      readonly reason: 'timeout' | 'unreachable' | 'reset' | 'declined' | 'stopped';
      readonly because: string;
      /** False only where it is certain that the broker has not got it. */
      readonly wasSent: boolean;
    };

export type Order = {
  readonly name: string;
  readonly entry: Entry;
  readonly receiver: Receiver<Writing>;
  /** Of `Clock.now`: until then it is worth holding it back. */
  readonly waitUntil: number;
  /** From its sending to the broker's answer. */
  readonly timeoutMs: number;
  /** May it be written again where nobody knows whether it was? An `open` may not: its client does not wait. */
  readonly isRepeatable: boolean;
};

const NOWHERE = -1;

/** An entry between the gateway and the broker. A class, because a closure for each message costs more. */
export class Held implements Parcel {
  readonly name: string;
  readonly entry: Entry;
  readonly waitUntil: number;
  readonly isRepeatable: boolean;
  /** Of `Clock.now`. */
  readonly since: number;
  readonly bytes: number;
  /** Of `Clock.now`; set when it is sent. */
  answerBy = 0;
  /** Of `Flying`, and of nobody else. */
  place = NOWHERE;
  wasSent = false;
  readonly #timeoutMs: number;
  readonly #receiver: Receiver<Writing>;
  readonly #home: { settled(held: Held, fate: Fate): void };
  #isTold = false;

  constructor(order: Order, home: { settled(held: Held, fate: Fate): void }, now: number) {
    this.name = order.name;
    this.entry = order.entry;
    this.waitUntil = order.waitUntil;
    this.isRepeatable = order.isRepeatable;
    this.since = now;
    this.bytes = bytesOf(order.entry);
    this.#timeoutMs = order.timeoutMs;
    this.#receiver = order.receiver;
    this.#home = home;
  }

  /** It goes out now. */
  leave(now: number): void {
    this.wasSent = true;
    this.answerBy = now + this.#timeoutMs;
  }

  settled(fate: Fate): void {
    this.#home.settled(this, fate);
  }

  /** Tells who waits. Once: an answer that comes late is told nobody. */
  tell(writing: Writing): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#receiver.settled(writing);
  }

  get isTold(): boolean {
    return this.#isTold;
  }
}

/** Those that are on their way. A `Set` would keep dead ones alive until the next full collection. */
export class Flying {
  readonly #items: Held[] = [];
  #bytes = 0;

  get size(): number {
    return this.#items.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(held: Held): void {
    held.place = this.#items.push(held) - 1;
    this.#bytes += held.bytes;
  }

  /** False: it was not among them. */
  delete(held: Held): boolean {
    if (held.place === NOWHERE) return false;
    const last = this.#items.pop() as Held;
    if (last !== held) {
      this.#items[held.place] = last;
      last.place = held.place;
    }
    held.place = NOWHERE;
    this.#bytes -= held.bytes;
    return true;
  }

  /** In no order. */
  [Symbol.iterator](): Iterator<Held> {
    return this.#items[Symbol.iterator]();
  }
}

/** Of the message; the rest of an entry is small and bounded. */
function bytesOf({ fields }: Entry): number {
  for (const field of fields) if (typeof field !== 'string') return field.length;
  return 0;
}
