import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

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

/** Looks after which a process is asked again which threads it has. */
const LOOKS = 50;

/**
 * The same for all threads of a process: its main thread may stand still because the one that helps it to collect garbage
 * waits. Made once for many looks, since it keeps their files open.
 */
export class ThreadsWait {
  readonly #pid: number;
  readonly #bytes = Buffer.alloc(128);
  #files: number[] = [];
  #looks = 0;

  constructor(pid: number) {
    this.#pid = pid;
  }

  ms(): number {
    if (this.#looks % LOOKS === 0) this.#reopen();
    this.#looks += 1;
    return this.#files.reduce((sum, file) => sum + this.#read(file), 0);
  }

  #read(file: number): number {
    try {
      return Number(this.#bytes.toString('latin1', 0, readSync(file, this.#bytes, 0, this.#bytes.length, 0)).split(' ')[1]) / 1e6;
    } catch {
      return 0; // the thread has ended
    }
  }

  #reopen(): void {
    for (const file of this.#files) closeSync(file);
    this.#files = tasksOf(this.#pid).flatMap((task) => {
      try {
        return [openSync(`/proc/${this.#pid}/task/${task}/schedstat`, 'r')];
      } catch {
        return []; // it has ended meanwhile, or the kernel does not count
      }
    });
  }
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
