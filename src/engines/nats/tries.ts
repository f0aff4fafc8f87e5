import { setTimeout as sleep } from 'node:timers/promises';

/** JetStream's codes of a compare-and-set that came too late: `wrong last sequence`. */
const TOO_LATE = new Set([10_071, 10_164]);
const LONGEST_PAUSE_MS = 100;
const MAX_TRIES = 50;

/** Does it again as long as another process was faster, after a pause that both do not share. */
export async function tries<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let count = 1; ; count += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (count === MAX_TRIES || !TOO_LATE.has(Number((error as { readonly code?: unknown }).code))) throw error;
      await sleep(Math.random() * Math.min(LONGEST_PAUSE_MS, count * 5));
    }
  }
}
