import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Of a process that was started; throws where there is none, since 0, a usual stand-in, means the own group to a signal. */
export function pidOf({ pid, spawnfile }: ChildProcess): number {
  if (pid === undefined) throw new Error(`${spawnfile} did not start`);
  return pid;
}

/**
 * Sends one process a signal; throws where it is not there. Only here do tests and benches signal by number, and a number that means
 * more than one process is refused: 0 (an empty pid file, read) is our own group, with npm, the runner and whoever started them; 1 and
 * what is negative are others' or everybody.
 */
export function signalTo(pid: number, signal: NodeJS.Signals | 0): void {
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new RangeError(`${signal} was to go to one process by its number, and ${pid} is none`);
  // oxlint-disable-next-line no-restricted-properties -- by one who has looked at the number
  process.kill(pid, signal);
}

export function isAlive(pid: number): boolean {
  return wasThere(pid, 0);
}

export function killIfThere(pid: number): void {
  wasThere(pid, 'SIGKILL');
}

function wasThere(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    signalTo(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Resolves when these processes have ended, which nothing but looking tells of processes that are not ours. */
export async function gone(pids: readonly number[], limitMs = 10_000): Promise<void> {
  for (const until = Date.now() + limitMs; pids.some(isAlive);) {
    assert.ok(Date.now() < until, `of the processes ${pids.join(', ')} one is still there`);
    await sleep(10);
  }
}
