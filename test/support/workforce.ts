import type { TestContext } from 'node:test';
import { enter, type Guest, type Scene } from './guests.ts';

const ATTEMPTS = 200;

/** The part of an id that tells the worker which gave it out. */
export const workerOf = (id: string): string => id.slice(0, 6);

/** Lets guests in until each of so many workers has at least `each` of them. */
export async function fillWorkers(
  t: Pick<TestContext, 'after'>,
  scene: Scene,
  { workers, each }: { readonly workers: number; readonly each: number },
): Promise<Map<string, Guest[]>> {
  const byWorker = new Map<string, Guest[]>();
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const guest = await enter(t, scene);
    const of = workerOf(guest.id);
    byWorker.set(of, [...(byWorker.get(of) ?? []), guest]);
    if (byWorker.size === workers && [...byWorker.values()].every((guests) => guests.length >= each)) return byWorker;
  }
  throw new Error(`${ATTEMPTS} clients reached ${byWorker.size} workers, ${workers} were wanted with ${each} clients each`);
}
