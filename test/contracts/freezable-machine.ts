import type { Timer } from '../../src/core/ports.ts';
import type { TimeSource } from '../../src/core/system-clock.ts';
import { ManualClock } from './manual-clock.ts';

/** A machine's time that passes when a test says so, and goes on while the process is frozen. */
export class FreezableMachine implements TimeSource {
  readonly #clock = new ManualClock(5_000);

  elapsedMs(): number {
    return this.#clock.now();
  }

  date(): number {
    return 1_800_000_000_000 + this.#clock.now();
  }

  random(): number {
    return 0.5;
  }

  wait(ms: number, task: () => void): Timer {
    return this.#clock.after(ms, task);
  }

  every(ms: number, task: () => void): void {
    this.#clock.after(ms, () => {
      task();
      this.every(ms, task);
    });
  }

  pass(ms: number): Promise<void> {
    return this.#clock.pass(ms);
  }

  /** What was due meanwhile happens at the end, at once. */
  freeze(ms: number): Promise<void> {
    return this.#clock.leap(ms);
  }
}
