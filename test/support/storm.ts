import { setTimeout as sleep } from 'node:timers/promises';
import { Chatter } from './chatter.ts';

/** Told whenever all are in; on any message all drop and come back at once. */
export type StormReport = { readonly tookMs: number; readonly refused: number; readonly faults: readonly string[] };

/** A crowd in a process of its own, so that its bustle delays nobody who measures. */
const [url = '', clients = '0'] = process.argv.slice(2);
let refused = 0;
let faults: string[] = [];
let crowd: Chatter[] = [];
const nothing = { after: () => {} }; // the process's end closes all

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
  const came = await Promise.all(Array.from({ length: Number(clients) }, (_none, index) => comeIn(`storm-${index}`)));
  crowd = came.filter((chatter) => chatter !== null);
  for (const { name, socket } of crowd) if (socket.destroyed) faults.push(`${name} was dropped after it had come in`);
  const report: StormReport = { tookMs: performance.now() - startedAt, refused, faults: faults.slice(0, 10) };
  process.send?.(report);
}

process.on('disconnect', () => process.exit());
process.on('message', () => {
  for (const { socket } of crowd) socket.destroy();
  void allAtOnce();
});
