import type { Timer } from '../core/ports.ts';

/** Time that goes on while this process does not run, as leases do. */
export type RealTime = {
  /** ms since any moment; nobody sets it. */
  now(): number;
  after(ms: number, task: () => void): Timer;
  /** At the end of this turn of the event loop. */
  soon(task: () => void): void;
};

export const realTime: RealTime = {
  now: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return { cancel: () => clearTimeout(timer) };
  },
  soon: (task) => void setImmediate(task),
};
