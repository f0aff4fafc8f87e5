import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Chatter } from './chatter.ts';

/** A crowd in a thread of its own, so that its bustle delays nobody who measures. */
export type StormOrder = { readonly url: string; readonly clients: number };
/** Told whenever all are in; on 'again' all drop and come back at once. */
export type StormReport = { readonly tookMs: number; readonly refused: number; readonly faults: readonly string[] };

const { url, clients } = workerData as StormOrder;
let refused = 0;
let faults: string[] = [];
let crowd: Chatter[] = [];
const nothing = { after: () => {} }; // the thread's end closes all

/** Comes in, however often it is asked to come later; nothing else may happen to it. */
async function comeIn(name: string): Promise<Chatter | null> {
  for (;;) {
    const chatter = new Chatter(nothing, url, { name });
    const entry = await chatter.entry.catch((error: unknown) => String(error));
    if (typeof entry === 'string') faults.push(entry);
    else if (entry.status === 101) return chatter;
    else if (entry.status !== 503 || !/^\d+$/.test(entry.retryAfter ?? ''))
      faults.push(`${name} got ${entry.status}, Retry-After ${entry.retryAfter}`);
    else {
      refused += 1;
      await sleep(Number(entry.retryAfter) * 1_000);
      continue;
    }
    return null;
  }
}

async function allAtOnce(): Promise<void> {
  const startedAt = performance.now();
  refused = 0;
  faults = [];
  const came = await Promise.all(Array.from({ length: clients }, (_none, index) => comeIn(`storm-${index}`)));
  crowd = came.filter((chatter) => chatter !== null);
  for (const { name, socket } of crowd) if (socket.destroyed) faults.push(`${name} was dropped after it had come in`);
  const report: StormReport = { tookMs: performance.now() - startedAt, refused, faults: faults.slice(0, 10) };
  parentPort?.postMessage(report);
}

parentPort?.on('message', () => {
  for (const { socket } of crowd) socket.destroy();
  void allAtOnce();
});
