import { closeSync, openSync, writeFileSync } from 'node:fs';
import { type Running, startCpuProfile, startHeapProfile } from './session.ts';

/** A CPU profile of a life that lasts longer ends here: it grows with every sample. */
const LONGEST_CPU_MS = 600_000;
const MOST_SAMPLES = 240_000;

/** Files that profiles of the whole life of a process are written into. */
export type ProfileFiles = { readonly cpu: string | null; readonly heap: string | null };

/** Each worker has files of its own: `app.cpuprofile` becomes `app.2.cpuprofile`. */
export function ofWorker(files: ProfileFiles, worker: number): ProfileFiles {
  const named = (path: string | null): string | null => {
    if (path === null) return null;
    const dot = path.lastIndexOf('.');
    return dot <= path.lastIndexOf('/') + 1 ? `${path}.${worker}` : `${path.slice(0, dot)}.${worker}${path.slice(dot)}`;
  };
  return { cpu: named(files.cpu), heap: named(files.heap) };
}

/** Why one of the files cannot be written, or null. Makes them, so that it is known now. */
export function fileProblem({ cpu, heap }: ProfileFiles): string | null {
  for (const path of [cpu, heap]) {
    if (path === null) continue;
    try {
      closeSync(openSync(path, 'w'));
    } catch (error) {
      return `the profile cannot be written: ${(error as Error).message}`;
    }
  }
  return null;
}

/** Begins what is asked for. The returned function writes the files; it is called once, at the end. */
export async function profileWholeLife({ cpu, heap }: ProfileFiles): Promise<() => Promise<void>> {
  const ends: (() => Promise<void>)[] = [];
  if (cpu !== null) {
    const running = await startCpuProfile(LONGEST_CPU_MS, MOST_SAMPLES);
    const write = once(running, cpu);
    setTimeout(() => void write(), LONGEST_CPU_MS).unref();
    ends.push(write);
  }
  if (heap !== null) ends.push(once(await startHeapProfile(), heap));
  return async () => {
    for (const end of ends) await end();
  };
}

function once(running: Running, path: string): () => Promise<void> {
  let written: Promise<void> | null = null;
  return () => (written ??= running.finish().then((profile) => writeFileSync(path, profile)));
}
