import { Session } from 'node:inspector/promises';

const SHORTEST_INTERVAL_US = 1_000;
/** Bytes allocated between two samples of a heap profile, on average: Node's own default. */
const HEAP_INTERVAL_BYTES = 512 * 1_024;

/** A profile that is being taken. Both ways to end it may be called once. */
export type Running = {
  /** The profile as JSON, in the form that Chrome's DevTools and editors open. */
  finish(): Promise<string>;
  /** Nobody wants it any more. */
  drop(): void;
};

/** Where CPU time goes (`.cpuprofile`), with at most so many samples in so long: making a text of them stops the event loop. */
export async function startCpuProfile(expectedMs: number, mostSamples: number): Promise<Running> {
  const session = connected();
  const interval = Math.max(SHORTEST_INTERVAL_US, Math.ceil((expectedMs * 1_000) / mostSamples));
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval });
  await session.post('Profiler.start');
  return {
    async finish() {
      const { profile } = await session.post('Profiler.stop');
      session.disconnect();
      return JSON.stringify(profile);
    },
    drop: () => session.disconnect(),
  };
}

/** What has allocated the memory that is still in use (`.heapprofile`), by samples. */
export async function startHeapProfile(): Promise<Running> {
  const session = connected();
  await session.post('HeapProfiler.enable');
  await session.post('HeapProfiler.startSampling', { samplingInterval: HEAP_INTERVAL_BYTES });
  return {
    async finish() {
      const { profile } = await session.post('HeapProfiler.stopSampling');
      session.disconnect();
      return JSON.stringify(profile);
    },
    drop: () => session.disconnect(),
  };
}

function connected(): Session {
  const session = new Session();
  session.connect();
  return session;
}
