import { networkOf } from './admission.ts';
import type { Clock } from './ports.ts';

/** What an address has not used lately it may use at once, up to this much. */
const BURST_MS = 10_000;
/** Addresses that are remembered of the last seconds. Beyond it those that asked longest ago are forgotten, and may ask anew. */
const MOST_ADDRESSES = 50_000;

/** Lets each address (of IPv6: each network of 64 bits) do something so often in a second, on average over ten. */
export class AddressRate {
  readonly #clock: Clock;
  readonly #spacingMs: number;
  /** When what an address has asked for would have been due: of those that asked lately, and of those before them. */
  #lately = new Map<string, number>();
  #before = new Map<string, number>();
  #turnedAt: number;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#spacingMs = 1_000 / perSecond;
    this.#turnedAt = clock.now();
  }

  /** ms until it may; 0: it may now, and has. */
  take(address: string): number {
    const network = networkOf(address);
    const now = this.#clock.now();
    if (now - this.#turnedAt >= BURST_MS || this.#lately.size >= MOST_ADDRESSES) this.#turn(now);
    const until = Math.max(now, this.#lately.get(network) ?? this.#before.get(network) ?? 0) + this.#spacingMs;
    const lateMs = until - now - BURST_MS;
    if (lateMs > 0) return lateMs;
    this.#lately.set(network, until);
    return 0;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#lately.size + this.#before.size;
  }

  /** Nobody is owed for longer than the burst: who has not asked for so long may be forgotten. */
  #turn(now: number): void {
    this.#before = now - this.#turnedAt >= 2 * BURST_MS ? new Map<string, number>() : this.#lately;
    this.#lately = new Map();
    this.#turnedAt = now;
  }
}
