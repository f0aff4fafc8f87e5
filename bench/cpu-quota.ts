import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as elapsed } from 'node:timers/promises';

const CONTROLLER = '/sys/fs/cgroup/cpu';
/** Short, so that a process that has used up its share is not gone for long. */
const PERIOD_US = 10_000;

/** A process held to a share of a core: what it would do on a slower core of its own. */
export class CpuQuota {
  readonly #folder: string;

  /** Needs root and the cpu controller of control groups, version 1. Throws an Error that says so. */
  constructor(pid: number, coreShare: number) {
    this.#folder = join(CONTROLLER, `bench-${pid}`);
    try {
      mkdirSync(this.#folder);
      writeFileSync(join(this.#folder, 'cpu.cfs_period_us'), String(PERIOD_US));
      writeFileSync(join(this.#folder, 'cpu.cfs_quota_us'), String(Math.round(PERIOD_US * coreShare)));
      writeFileSync(join(this.#folder, 'cgroup.procs'), String(pid));
    } catch (cause) {
      throw new Error(`a CPU quota was wanted; it needs root and ${CONTROLLER} (control groups, version 1)`, { cause });
    }
  }

  /** Frees the process, if it still runs, and removes the group, which may take a moment after a process has died. */
  async remove(): Promise<void> {
    const giveUpAt = performance.now() + 5_000;
    for (;;) {
      try {
        for (const pid of readFileSync(join(this.#folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean))
          writeFileSync(join(CONTROLLER, 'cgroup.procs'), pid);
        rmdirSync(this.#folder);
        return;
      } catch (error) {
        if (performance.now() > giveUpAt) throw error;
        await elapsed(20);
      }
    }
  }
}
