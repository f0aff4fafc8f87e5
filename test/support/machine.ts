import { readFileSync } from 'node:fs';

/**
 * ms that a process's main thread was ready to run while the machine ran something else. What a busy machine adds to a
 * wait is no fault of the waiting; where the kernel does not count it, it counts as nothing.
 */
export function waitedForCpuMs(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** Measures spans without what the machine kept these processes, and this one, from running. */
export class Stopwatch {
  readonly #pids: readonly number[];

  constructor(pids: readonly number[]) {
    this.#pids = [process.pid, ...pids];
  }

  /** Differences of two readings are ms. */
  read(): number {
    return performance.now() - this.#pids.reduce((sum, pid) => sum + waitedForCpuMs(pid), 0);
  }
}

export function residentMegabytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1_024;
}
