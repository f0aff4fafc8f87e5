import { readFileSync } from 'node:fs';

/** How many files this process may have open; Node raises its soft limit to the hard one at start. Infinity where it cannot be told. */
export function fileLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}
