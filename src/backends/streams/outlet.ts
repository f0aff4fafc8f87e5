import { atEndOfTurn, type Waiting } from '../../core/end-of-turn.ts';
import { Fifo } from '../../core/fifo.ts';
import type { Observer } from '../../core/observer.ts';
import type { Clock, Log, Timer } from '../../core/ports.ts';
import { Seldom } from '../../core/seldom.ts';
import type { Fate, StreamLink } from '../../wire/streams.ts';
import { Flying, Held, type Order, type Writing } from './held.ts';

/** Entries, and bytes of their messages, that are on their way to the broker at once. More wait: the broker is slow, and so are then its clients (G1). */
const WINDOW_ENTRIES = 4_096;
const WINDOW_BYTES = 8 * 1_024 * 1_024;
/** How often the times of those on their way, and of those that wait, are looked at. */
const LOOK_EVERY_MS = 200;
/** A new client waits so long at most for a broker that is away, and only so many wait; all others are refused at once. */
const OPEN_HOLD_MS = 800;
const OPENS_HELD = 8;

export type OutletOptions = {
  /** For logs. */
  readonly name: string;
  /** Loads what speaks with the broker. */
  readonly connect: () => Promise<StreamLink>;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Observer;
};

/**
 * The way of all entries to one broker. What one turn of the event loop has for it leaves in one piece; what was on its way
 * when the connection broke goes out again, first, with the same event id; what comes while there is none waits, each as
 * long as its event may. Bounded: a connection has one event here at a time, and closes have their lane.
 */
export class Outlet implements Waiting {
  readonly #options: OutletOptions;
  readonly #complaints: Seldom;
  readonly #flying = new Flying();
  #again = new Fifo<Held>();
  #waiting = new Fifo<Held>();
  #opensWaiting = 0;
  #link: StreamLink | null = null;
  #isUp = false;
  #wasDown = false;
  #isScheduled = false;
  #isStopped = false;
  #because = 'it is not connected yet';
  #timer: Timer | null = null;

  constructor(options: OutletOptions) {
    this.#options = options;
    this.#complaints = new Seldom(options.clock);
  }

  /** Connects, now and after every loss. Until then entries wait. */
  open(): void {
    const { connect, log, name } = this.#options;
    connect().then(
      (link) => this.#start(link),
      (error: unknown) => log.error({ err: error, broker: name }, 'what speaks with the broker cannot be loaded'),
    );
  }

  get name(): string {
    return this.#options.name;
  }

  /** Why the broker cannot be written to now, or null. */
  get problem(): string | null {
    return this.#isUp ? null : `${this.#options.name}: ${this.#because}`;
  }

  /** `receiver` is told once, and never from inside the call. */
  write(order: Order): void {
    if (this.#isStopped) return later(new Held(order, this, this.#now), stopped(false));
    const held = new Held(order, this, this.#now);
    if (!order.isRepeatable && !this.#isUp) {
      if (this.#wasDown && this.#opensWaiting >= OPENS_HELD) return later(held, this.#unreachable(false));
      this.#opensWaiting += 1;
    }
    this.#waiting.push(held);
    this.#schedule();
    this.#look();
  }

  /** The turn is over: all that there is room for leaves. */
  endTurn(): void {
    this.#isScheduled = false;
    if (!this.#isUp || this.#link === null) return;
    const now = this.#now;
    const parcels: Held[] = [];
    while (this.#flying.size < WINDOW_ENTRIES && this.#flying.bytes < WINDOW_BYTES) {
      const held = this.#again.shift() ?? this.#waiting.shift();
      if (held === undefined) break;
      if (held.isTold) continue;
      held.leave(now);
      this.#flying.add(held);
      parcels.push(held);
    }
    if (parcels.length > 0) this.#link.send(parcels);
  }

  settled(held: Held, fate: Fate): void {
    if (!this.#flying.delete(held)) return;
    switch (fate.type) {
      case 'stored':
        held.tell(STORED);
        break;
      case 'declined':
        this.#complain(fate.because);
        held.tell({ type: 'failed', reason: 'declined', because: fate.because, wasSent: false });
        break;
      case 'lost':
        if (this.#isStopped) held.tell(stopped(true));
        else if (held.isRepeatable) this.#again.push(held);
        else held.tell({ type: 'failed', reason: 'reset', because: 'the connection to the broker broke', wasSent: true });
        break;
    }
    if (this.#again.length + this.#waiting.length > 0) this.#schedule();
  }

  /** What is still out is told so. Idempotent. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#isUp = false;
    this.#timer?.cancel();
    this.#timer = null;
    for (const held of this.#flying) held.tell(stopped(true));
    for (const queue of [this.#again, this.#waiting]) {
      for (let held = queue.shift(); held !== undefined; held = queue.shift()) held.tell(stopped(held.wasSent));
    }
    await this.#link?.close();
  }

  #start(link: StreamLink): void {
    if (this.#isStopped) return void link.close();
    this.#link = link;
    link.start({ up: () => this.#up(), down: (because) => this.#down(because) });
  }

  #up(): void {
    if (this.#isStopped) return;
    this.#isUp = true;
    this.#opensWaiting = 0;
    if (this.#wasDown) this.#options.log.info({ broker: this.#options.name }, 'broker is back');
    this.#schedule();
  }

  #down(because: string): void {
    this.#because = because;
    if (this.#isStopped || (!this.#isUp && this.#wasDown)) return;
    this.#isUp = false;
    this.#wasDown = true;
    this.#options.observer.counted('backendFailures', 1);
    this.#options.log.warn({ broker: this.#options.name, because }, 'broker is away: events wait');
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#isUp) return;
    this.#isScheduled = true;
    atEndOfTurn(this);
  }

  #look(): void {
    this.#timer ??= this.#options.clock.after(LOOK_EVERY_MS, () => {
      this.#timer = null;
      this.#tellLate();
      if (this.#flying.size + this.#again.length + this.#waiting.length > 0) this.#look();
    });
  }

  #tellLate(): void {
    const now = this.#now;
    let isStuck = false;
    for (const held of this.#flying) {
      if (held.answerBy > now) continue;
      if (held.isRepeatable) isStuck = true;
      else held.tell({ type: 'failed', reason: 'timeout', because: 'the broker did not answer in time', wasSent: true });
    }
    this.#again = this.#withoutLate(this.#again, now);
    this.#waiting = this.#withoutLate(this.#waiting, now);
    if (isStuck) this.#link?.reset('it did not answer in time');
  }

  #withoutLate(queue: Fifo<Held>, now: number): Fifo<Held> {
    const kept = new Fifo<Held>();
    for (let held = queue.shift(); held !== undefined; held = queue.shift()) {
      if (!this.#isLate(held, now)) {
        kept.push(held);
        continue;
      }
      if (!held.isRepeatable && this.#opensWaiting > 0) this.#opensWaiting -= 1;
      held.tell(this.#unreachable(held.wasSent));
    }
    return kept;
  }

  /** Where it is known that the broker is away, a new client does not wait for long. */
  #isLate({ waitUntil, isRepeatable, since }: Held, now: number): boolean {
    if (waitUntil <= now) return true;
    return !isRepeatable && !this.#isUp && this.#wasDown && now - since > OPEN_HOLD_MS;
  }

  #unreachable(wasSent: boolean): Writing {
    const because = this.#isUp ? 'the broker is too slow' : this.#because;
    return { type: 'failed', reason: 'unreachable', because, wasSent };
  }

  /** A broker that is full says so of every entry: a few lines a second tell of it. */
  #complain(because: string): void {
    this.#options.observer.counted('backendFailures', 1);
    const missed = this.#complaints.missed();
    if (missed === null) return;
    this.#options.log.warn({ broker: this.#options.name, because, ...(missed > 0 && { missed }) }, 'the broker did not take an event');
  }

  get #now(): number {
    return this.#options.clock.now();
  }
}

const STORED: Writing = { type: 'stored' };

function stopped(wasSent: boolean): Writing {
  return { type: 'failed', reason: 'stopped', because: 'the gateway stops', wasSent };
}

/** Never from inside the call. */
function later(held: Held, writing: Writing): void {
  process.nextTick(() => held.tell(writing));
}
