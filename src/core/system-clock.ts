import type { Clock } from './ports.ts';

export const systemClock: Clock = {
  now: Date.now,
  random: Math.random,
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
