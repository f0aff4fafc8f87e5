import type { Clock, Timer } from '../../src/core/ports.ts';
import type { TimeSource } from '../../src/core/system-clock.ts';
import type { Random } from './random.ts';

/** `open` hands on through at most this many promises between two virtual events. */
const MICROTASKS = 20;

const SETTLED = Promise.resolve();

class Entry implements Timer {
  readonly at: number;
  readonly order: number;
  task: (() => void) | null;

  constructor(at: number, order: number, task: () => void) {
    this.at = at;
    this.order = order;
    this.task = task;
  }

  cancel(): void {
    this.task = null;
  }

  isBefore(other: Entry): boolean {
    return this.at < other.at || (this.at === other.at && this.order < other.order);
  }
}

/**
 * The world's time, which stands still until the next thing happens. A binary heap; ties go in the order of their asking.
 * The gateway has a `RunningClock` over it.
 */
export class VirtualClock implements Clock, TimeSource {
  readonly #heap: Entry[] = [];
  readonly #random: Random;
  #now = 1_800_000_000_000;
  #order = 0;
  #tickedAt = 0;
  #tick: { readonly everyMs: number; readonly task: () => void } | null = null;
  /** Turns of the microtask queue are paid only while somebody awaits, those of `process.nextTick` only where it is used. */
  awaiting = 0;
  usesNextTick = false;
  /** Those of the event loop, only where something waits for their ends. */
  usesTurns = false;

  constructor(random: Random) {
    this.#random = random;
  }

  now(): number {
    return this.#now;
  }

  date(): number {
    return this.#now;
  }

  elapsedMs(): number {
    return this.#now;
  }

  random(): number {
    return this.#random.next();
  }

  wait(ms: number, task: () => void): Timer {
    return this.after(ms, task);
  }

  /** No entry of the heap, which would never be empty. */
  every(everyMs: number, task: () => void): void {
    this.#tick = { everyMs, task };
    this.#tickedAt = this.#now;
  }

  /** The gateway's process does not run: what is due meanwhile happens at the end, in its order. */
  freeze(ms: number): void {
    this.#now += ms;
  }

  after(ms: number, task: () => void): Timer {
    const entry = new Entry(this.#now + ms, (this.#order += 1), task);
    this.#push(entry);
    return entry;
  }

  /** Runs everything there is, and says how many things happened. Endless histories end at `limit`. */
  async run(limit: number): Promise<number> {
    let count = 0;
    for (let entry = this.#pop(); entry !== undefined && count < limit; entry = this.#pop()) {
      if (entry.task === null) continue;
      this.#passTo(entry.at);
      count += 1;
      entry.task();
      if (this.usesNextTick) await new Promise<void>((resolve) => process.nextTick(resolve));
      if (this.usesTurns) await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.awaiting > 0) for (let turn = 0; turn < MICROTASKS; turn += 1) await SETTLED;
    }
    return count;
  }

  #passTo(at: number): void {
    const { everyMs, task } = this.#tick ?? { everyMs: Infinity, task: () => {} };
    while (this.#tickedAt + everyMs < at) {
      this.#now = Math.max(this.#now, this.#tickedAt + everyMs); // behind a pause it rings once
      this.#tickedAt = this.#now;
      task();
    }
    this.#now = Math.max(this.#now, at);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above] as Entry;
      if (!entry.isBefore(parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && (heap[below + 1] as Entry).isBefore(heap[below] as Entry)) below += 1;
      const child = heap[below] as Entry;
      if (!child.isBefore(last)) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = last;
    return first;
  }
}
