import { setTimeout as elapsed } from 'node:timers/promises';
import { nowUs } from './message.ts';

export { elapsed };

/**
 * Calls `emit` for everything that is due, with the microsecond at which it was. It looks in every turn of the event
 * loop and never sleeps: a timer's millisecond would come in bursts. This process then burns a whole core by itself.
 */
export function openLoop(ratePerSecond: number, durationMs: number, emit: (dueUs: number) => void): Promise<void> {
  return new Promise((resolve) => {
    const begin = nowUs();
    const spacingUs = 1e6 / ratePerSecond;
    const count = Math.floor((ratePerSecond * durationMs) / 1_000);
    let emitted = 0;
    const turn = (): void => {
      const due = Math.min(count, Math.floor((nowUs() - begin) / spacingUs));
      for (; emitted < due; emitted += 1) emit(begin + emitted * spacingUs);
      if (emitted < count) setImmediate(turn);
      else resolve();
    };
    turn();
  });
}
