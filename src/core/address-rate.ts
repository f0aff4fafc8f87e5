import { networkOf } from './admission.ts';
import type { Clock } from './ports.ts';

/** What an address has not used lately it may use at once, up to this much. */
const BURST_MS = 10_000;
/** Addresses that are remembered. Beyond it the one that asked longest ago is forgotten, and may ask anew. */
const MOST_ADDRESSES = 100_000;

/** Lets each address (of IPv6: each network of 64 bits) do something so often in a second, on average over ten. */
export class AddressRate {
  readonly #clock: Clock;
  readonly #spacingMs: number;
  /** When what an address has asked for would have been due. In the order of their last success. */
  readonly #dueUntil = new Map<string, number>();

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#spacingMs = 1_000 / perSecond;
  }

  /** ms until it may; 0: it may now, and has. */
  take(address: string): number {
    const network = networkOf(address);
    const now = this.#clock.now();
    const until = Math.max(now, this.#dueUntil.get(network) ?? 0) + this.#spacingMs;
    const lateMs = until - now - BURST_MS;
    if (lateMs > 0) return lateMs;
    this.#dueUntil.delete(network);
    this.#dueUntil.set(network, until);
    this.#forgetOldest(now);
    return 0;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#dueUntil.size;
  }

  /** Two at each call that adds one: those that have nothing left to wait for go by themselves. */
  #forgetOldest(now: number): void {
    for (let looks = 0; looks < 2; looks += 1) {
      const [oldest] = this.#dueUntil;
      if (oldest === undefined || (oldest[1] > now && this.#dueUntil.size <= MOST_ADDRESSES)) return;
      this.#dueUntil.delete(oldest[0]);
    }
  }
}
