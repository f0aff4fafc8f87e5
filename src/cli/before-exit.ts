import { setTimeout as sleep } from 'node:timers/promises';

/** For the last lines of the log, where their reader is slow. */
const LOG_FLUSH_MS = 500;
/** For calls of the file system that are still out at the end. */
const DISK_MS = 500;
const DISK_LOOK_MS = 20;
/** What an end may take beyond its drain. */
export const END_MS = LOG_FLUSH_MS + DISK_MS;

/** Where the log is written. */
type Flushed = { readonly flush: (timeoutMs: number) => Promise<void> };

/** Writes the last lines of the log. If an exit would hang, the process ends here. */
export async function beforeExit({ stream }: { readonly stream: Flushed }): Promise<void> {
  await stream.flush(LOG_FLUSH_MS);
  if (!(await isDiskQuiet())) endAtOnce();
}

/** Calls of the file system that do not end: an exit would wait for them for ever, as Node joins the threads that they hold. */
async function isDiskQuiet(): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < DISK_MS; waitedMs += DISK_LOOK_MS) {
    if (!process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'))) return true;
    await sleep(DISK_LOOK_MS);
  }
  return false;
}

export function endAtOnce(): void {
  // oxlint-disable-next-line no-restricted-properties -- itself
  process.kill(process.pid, 'SIGKILL');
}
