import { readdirSync, readFileSync } from 'node:fs';

/**
 * ms that a thread (default: the main one of the process) was ready to run while the machine ran something else. What a
 * busy machine adds to a wait is no fault of the waiting; where the kernel does not count it, it counts as nothing.
 */
export function waitedForCpuMs(thread: number, pid = thread): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** The same for all its threads: a main thread may stand still because the one that helps it to collect garbage waits. */
export function threadsWaitedForCpuMs(pid: number): number {
  return tasksOf(pid).reduce((sum, task) => sum + waitedForCpuMs(Number(task), pid), 0);
}

function tasksOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Measures spans without what the machine kept these processes, and this one, from running. */
export class Stopwatch {
  readonly #pids: readonly number[];
  readonly #waitedMs: (pid: number) => number;

  constructor(pids: readonly number[], waitedMs: (pid: number) => number = (pid) => waitedForCpuMs(pid)) {
    this.#pids = [process.pid, ...pids];
    this.#waitedMs = waitedMs;
  }

  /** Differences of two readings are ms. */
  read(): number {
    return performance.now() - this.#pids.reduce((sum, pid) => sum + this.#waitedMs(pid), 0);
  }
}

export function residentMegabytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1_024;
}
