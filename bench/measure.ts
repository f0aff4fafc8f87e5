import type { LoadOrder, LoadReport } from './load/order.ts';
import { pssBytesOfTree, sampleTree, type Sample } from './proc.ts';
import { run, type Look } from './run.ts';
import type { Target } from './target.ts';

/** What one phase of one run cost. */
export type Cost = {
  readonly units: number;
  readonly cpuUsPerUnit: number;
  readonly generatorUsPerUnit: number;
  readonly perSecond: number;
  /** Cores that other processes, or the host, took meanwhile. */
  readonly otherCores: number;
};

export type Measured = {
  readonly costs: Readonly<Record<string, Cost>>;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly problems: readonly string[];
  readonly skipped: string | null;
};

export type CpuOptions = { readonly isPinned: boolean; readonly profileFolder: string | null };

type Moment = { readonly target: Sample; readonly generator: Sample };

const SLACK_MS = 180_000;

export async function measureCpu(target: Target, order: LoadOrder, { isPinned, profileFolder }: CpuOptions): Promise<Measured> {
  const moments = new Map<string, Moment>();
  const report = await run(target, {
    order,
    isPinned,
    profileFolder,
    withProbe: false,
    limitMs: order.warmUpMs + order.durationMs + SLACK_MS,
    onMark: (name, look) => void moments.set(name, momentOf(look)),
  });
  const costs = Object.fromEntries(Object.keys(report.phases).map((name) => [name, costOf(name, report, moments)]));
  const { p50Us, p99Us, problems, skipped } = report;
  return { costs, p50Us, p99Us, problems, skipped };
}

function momentOf({ target, generatorPid }: Look): Moment {
  return { target: sampleTree(target.pid), generator: sampleTree(generatorPid) };
}

function costOf(name: string, report: LoadReport, moments: ReadonlyMap<string, Moment>): Cost {
  const [begin, end] = [moments.get(`${name}:begin`), moments.get(`${name}:end`)];
  const phase = report.phases[name];
  if (begin === undefined || end === undefined || phase === undefined) throw new Error(`phase ${name} was never marked`);
  const spent = (key: keyof Moment): number => end[key].cpuSeconds - begin[key].cpuSeconds;
  const machine = end.target.machineSeconds - begin.target.machineSeconds;
  const elapsed = (end.target.atMs - begin.target.atMs) / 1_000;
  return {
    units: phase.units,
    cpuUsPerUnit: (spent('target') * 1e6) / phase.units,
    generatorUsPerUnit: (spent('generator') * 1e6) / phase.units,
    perSecond: phase.units / phase.seconds,
    otherCores: Math.max(0, (machine - spent('target') - spent('generator')) / elapsed),
  };
}

export type Memory = {
  /** Of the empty process. */
  readonly baseBytes: number;
  /** Per connection above that, at each number of connections. */
  readonly perConnectionBytes: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
};

const UNMAP_MS = 500; // V8 gives pages back on other threads, a little after the collection

/** PSS a connection; `isCollected`: a collection is forced before each look, also at the empty process. */
export async function measureMemory(target: Target, order: LoadOrder, { isCollected, isPinned }: MemoryOptions): Promise<Memory> {
  const pss = new Map<number, number>();
  const { problems } = await run(target, {
    order,
    isPinned,
    profileFolder: null,
    withProbe: isCollected,
    limitMs: order.steps.length * (order.settleMs + SLACK_MS),
    async onMark(name, look) {
      if (isCollected) {
        await look.target.collect();
        await new Promise((resolve) => setTimeout(resolve, Math.min(UNMAP_MS, order.settleMs)));
      }
      pss.set(Number(name.slice('idle:'.length)), pssBytesOfTree(look.target.pid));
    },
  });
  const baseBytes = pss.get(0) ?? Number.NaN;
  const perConnectionBytes = Object.fromEntries(
    order.steps.map((connections) => [connections, ((pss.get(connections) ?? Number.NaN) - baseBytes) / connections]),
  );
  return { baseBytes, perConnectionBytes, problems };
}

export type MemoryOptions = { readonly isCollected: boolean; readonly isPinned: boolean };
