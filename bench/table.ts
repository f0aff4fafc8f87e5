import type { Measured, Memory } from './measure.ts';
import { median, spread, type Spread } from './statistics.ts';

/** One run in the record; `round` pairs ours with the floor. */
export type CpuRun = Measured & { readonly workload: string; readonly target: string; readonly round: number };
export type MemoryRun = Memory & { readonly target: string; readonly round: number; readonly isCollected: boolean };

export type CpuRow = {
  readonly workload: string;
  readonly target: string;
  readonly rounds: number;
  readonly cpuUs: Spread;
  /** To the floor of the same round. */
  readonly ratio: Spread;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** To the floor of the same round. */
  readonly p99Ratio: number;
  readonly generatorUs: number;
  /** Of the worst round. */
  readonly otherCores: number;
  readonly check: string;
};

export type MemoryRow = {
  readonly target: string;
  readonly connections: number;
  readonly plainBytes: Spread;
  readonly collectedBytes: Spread;
  readonly check: string;
};

/** What a target is held against: the floor, and where a stream is measured, the same gateway over HTTP. */
const BASES: ReadonlySet<string> = new Set(['floor', 'http']);

export function cpuRows(runs: readonly CpuRun[]): CpuRow[] {
  const kinds = new Map<string, { workload: string; target: string; phase: string }>();
  for (const { workload, target, costs } of runs)
    for (const phase of Object.keys(costs)) kinds.set(`${workload} ${phase} ${target}`, { workload, target, phase });
  return [...kinds.values()]
    .toSorted((a, b) => orderOf(runs, a.workload) - orderOf(runs, b.workload) || b.phase.localeCompare(a.phase))
    .map(({ workload, target, phase }) => {
      const own = runs.filter((run) => run.workload === workload && run.target === target && run.costs[phase] !== undefined);
      const costs = own.flatMap((run) => run.costs[phase] ?? []);
      const floors = own.map((run) =>
        runs.find((other) => other.workload === workload && BASES.has(other.target) && other.round === run.round),
      );
      const ratios = floors.map((floor, at) => (costs[at]?.cpuUsPerUnit ?? Number.NaN) / (floor?.costs[phase]?.cpuUsPerUnit ?? Number.NaN));
      return {
        workload: phase === 'main' ? workload : `${workload}: ${phase}`,
        target,
        rounds: own.length,
        cpuUs: spread(costs.map((cost) => cost.cpuUsPerUnit)),
        ratio: spread(ratios),
        perSecond: median(costs.map((cost) => cost.perSecond)),
        p50Us: median(own.map((run) => run.p50Us)),
        p99Us: median(own.map((run) => run.p99Us)),
        p99Ratio: median(own.map((run, at) => run.p99Us / (floors[at]?.p99Us ?? Number.NaN))),
        generatorUs: median(costs.map((cost) => cost.generatorUsPerUnit)),
        otherCores: Math.max(...costs.map((cost) => cost.otherCores)),
        check: checkOf(own),
      };
    });
}

function orderOf(runs: readonly CpuRun[], workload: string): number {
  return runs.findIndex((run) => run.workload === workload);
}

export function memoryRows(runs: readonly MemoryRun[]): MemoryRow[] {
  const targets = [...new Set(runs.map(({ target }) => target))];
  const steps = Object.keys(runs[0]?.perConnectionBytes ?? {});
  return targets.flatMap((target) =>
    steps.map((step) => {
      const own = runs.filter((run) => run.target === target);
      const bytes = (isCollected: boolean): Spread =>
        spread(own.filter((run) => run.isCollected === isCollected).map((run) => run.perConnectionBytes[step] ?? Number.NaN));
      return { target, connections: Number(step), plainBytes: bytes(false), collectedBytes: bytes(true), check: checkOf(own) };
    }),
  );
}

export function checkOf(runs: readonly { readonly problems: readonly string[] }[]): string {
  return [...new Set(runs.flatMap(({ problems }) => problems))].join('; ') || 'ok';
}

const CPU_HEAD = [
  'workload',
  'target',
  'CPU µs',
  'min–max',
  '× floor',
  'min–max',
  '/s',
  'p50 µs',
  'p99 µs',
  'p99 × floor',
  'generator µs',
  'others',
  'check',
];
const MEMORY_HEAD = ['target', 'connections', 'KB each', 'min–max', 'KB each, collected', 'min–max', 'check'];

export function cpuTable(rows: readonly CpuRow[]): string {
  return table(
    CPU_HEAD,
    rows.map((row) => [
      row.workload,
      row.target,
      row.cpuUs.median.toFixed(1),
      between(row.cpuUs, 1),
      ...(Number.isNaN(row.ratio.median) ? ['–', '–'] : [row.ratio.median.toFixed(2), between(row.ratio, 2)]),
      row.perSecond.toFixed(0),
      hasLatency(row) ? row.p50Us.toFixed(0) : '–',
      hasLatency(row) ? row.p99Us.toFixed(0) : '–',
      Number.isFinite(row.p99Ratio) ? row.p99Ratio.toFixed(2) : '–',
      row.generatorUs.toFixed(1),
      row.otherCores.toFixed(2),
      row.check,
    ]),
  );
}

function hasLatency({ p50Us }: CpuRow): boolean {
  return Number.isFinite(p50Us);
}

export function memoryTable(rows: readonly MemoryRow[]): string {
  return table(
    MEMORY_HEAD,
    rows.map(({ target, connections, plainBytes, collectedBytes, check }) => {
      const [plain, collected] = [inKilobytes(plainBytes), inKilobytes(collectedBytes)];
      return [
        target,
        String(connections),
        plain.median.toFixed(2),
        between(plain, 2),
        collected.median.toFixed(2),
        between(collected, 2),
        check,
      ];
    }),
  );
}

function inKilobytes({ median, min, max }: Spread): Spread {
  return { median: median / 1_000, min: min / 1_000, max: max / 1_000 };
}

function between({ min, max }: Spread, digits: number): string {
  return `${min.toFixed(digits)}–${max.toFixed(digits)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
