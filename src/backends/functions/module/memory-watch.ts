import { readFile } from 'node:fs/promises';
import type { Clock, Timer } from '../../../core/ports.ts';
import type { Instance } from './instance.ts';

const EVERY_MS = 500;
/** Where pages are larger (some ARM systems), functions get more than they should. */
const PAGE_BYTES = 4_096;
const MEGABYTE = 1_048_576;

/**
 * Looks every half second what instances that had a call since have taken, buffers too, which V8's own limit leaves out.
 * On Linux; elsewhere that limit is the only one.
 */
export class MemoryWatch {
  readonly #clock: Clock;
  readonly #limitMb: number;
  readonly #exceeded: (instance: Instance) => void;
  readonly #watched = new Set<Instance>();
  #timer: Timer | null = null;

  constructor({
    clock,
    limitMb,
    exceeded,
  }: {
    readonly clock: Clock;
    readonly limitMb: number;
    readonly exceeded: (instance: Instance) => void;
  }) {
    this.#clock = clock;
    this.#limitMb = limitMb;
    this.#exceeded = exceeded;
  }

  /** It has a call. */
  add(instance: Instance): void {
    this.#watched.add(instance);
    this.#timer ??= this.#clock.after(EVERY_MS, () => void this.#look());
  }

  stop(): void {
    this.#watched.clear();
    this.#timer?.cancel();
    this.#timer = null;
  }

  async #look(): Promise<void> {
    const looked = [...this.#watched].filter(({ isGone }) => !isGone);
    this.#watched.clear();
    this.#timer = null;
    for (const instance of looked) {
      const usedMb = instance.pid === undefined ? null : await ownMemoryMb(instance.pid);
      if (instance.isGone) continue;
      if (usedMb !== null && usedMb > this.#limitMb) this.#exceeded(instance);
      else if (usedMb !== null && instance.isBusy) this.add(instance);
    }
  }
}

/** MB that a process has for itself alone: its objects and buffers, without the program's code. Null: this system does not tell. */
async function ownMemoryMb(pid: number): Promise<number | null> {
  try {
    const [, resident, shared] = (await readFile(`/proc/${pid}/statm`, 'latin1')).split(' ').map(Number);
    return resident === undefined || shared === undefined ? null : ((resident - shared) * PAGE_BYTES) / MEGABYTE;
  } catch {
    return null;
  }
}
