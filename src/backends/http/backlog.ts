import { Fifo } from '../../core/fifo.ts';
import type { Clock, Receiver } from '../../core/ports.ts';
import type { BackendCall, BackendResult } from '../../wire/calls.ts';

export type Held = {
  readonly call: BackendCall;
  readonly receiver: Receiver<BackendResult>;
  readonly waitUntil: number;
  /** Has a call for the same event failed already? */
  readonly isTried: boolean;
};

/** How often those whose time is over are looked for: it takes a look at all. */
const SWEEP_EVERY_MS = 200;
/** Events that are known to have failed; beyond it the oldest knowledge goes, and costs an event its place in the row. */
const MOST_REMEMBERED = 100_000;
/** After so long without a failure they are forgotten; longer than the longest back-off. */
const REMEMBERED_MS = 10_000;

/** Calls that wait while a backend is down: those for events that were never tried apart from those that have failed. */
export class Backlog {
  #fresh = new Fifo<Held>();
  #tried = new Fifo<Held>();
  readonly #failed = new Set<string>();
  #failedAt = 0;
  #sweptAt = 0;

  get length(): number {
    return this.#fresh.length + this.#tried.length;
  }

  add(held: Held): void {
    (held.isTried ? this.#tried : this.#fresh).push(held);
  }

  /** Has a call for the same event failed lately? On the path of every call. */
  knows(call: BackendCall, clock: Clock): boolean {
    if (this.#failed.size === 0) return false;
    if (clock.now() - this.#failedAt > REMEMBERED_MS) this.#failed.clear();
    return this.#failed.has(eventOf(call));
  }

  /** The first, never tried ones before the others. */
  next(which: 'fresh' | 'tried' | 'any'): Held | null {
    const fresh = which === 'tried' ? undefined : this.#fresh.shift();
    return fresh ?? (which === 'fresh' ? undefined : this.#tried.shift()) ?? null;
  }

  /** A call for this event has failed. */
  tried(call: BackendCall, now: number): void {
    this.#failedAt = now;
    const [oldest] = this.#failed.size < MOST_REMEMBERED ? [] : this.#failed;
    if (oldest !== undefined) this.#failed.delete(oldest);
    this.#failed.add(eventOf(call));
  }

  taken(call: BackendCall): void {
    if (this.#failed.size > 0) this.#failed.delete(eventOf(call));
  }

  /** Takes out those whose time is over. */
  late(now: number): Held[] {
    if (now - this.#sweptAt < SWEEP_EVERY_MS) return [];
    this.#sweptAt = now;
    const late: Held[] = [];
    this.#fresh = withoutLate(this.#fresh, now, late);
    this.#tried = withoutLate(this.#tried, now, late);
    return late;
  }
}

function withoutLate(from: Fifo<Held>, now: number, late: Held[]): Fifo<Held> {
  const kept = new Fifo<Held>();
  for (let held = from.shift(); held !== undefined; held = from.shift()) (held.waitUntil < now ? late : kept).push(held);
  return kept;
}

/** Every repetition of an event has its id. */
function eventOf({ headers }: BackendCall): string {
  const at = headers.indexOf('ws-event-id');
  return at < 0 ? '' : (headers[at + 1] ?? '');
}
