import type { Part } from '../../core/commands.ts';
import type { Figures } from '../../core/sightings.ts';
import { quantile, since } from './spans.ts';

/** What a process, or all of them together, does now. Rates are per second, over the time between two looks. */
export type Rates = {
  readonly connections: number;
  readonly messagesPerSecond: number;
  readonly pushesPerSecond: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  readonly closesPending: number;
  /** How long the backend takes for a message; null: no message was answered. */
  readonly backendMs: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
  /** 99th percentile; of several processes, the worst one's. */
  readonly loopDelayMs: number;
  readonly memoryBytes: number;
};

export type ProcessRates = Rates & {
  readonly node: string;
  /** Which process of the node. */
  readonly process: string;
  readonly isDraining: boolean;
  readonly uptimeSeconds: number;
};

type Look = { readonly figures: Figures; readonly at: number };

/** Makes rates of counters: of each process by what it told last time. */
export class RateKeeper {
  #before: ReadonlyMap<string, Look> = new Map();

  /** `now`: ms of any clock that goes on. */
  rates(parts: readonly Part[], now: number): { readonly total: Rates; readonly processes: readonly ProcessRates[] } {
    const looks = new Map<string, Look>();
    const processes: ProcessRates[] = [];
    const spans: (readonly number[])[] = [];
    for (const { node, owner, seen } of parts) {
      if (!seen?.figures) continue;
      const before = this.#before.get(owner);
      const newSpans = since(seen.figures.spans, before?.figures.spans ?? seen.figures.spans);
      looks.set(owner, { figures: seen.figures, at: now });
      spans.push(newSpans);
      const { isDraining, uptimeSeconds } = seen.figures;
      processes.push({ node, process: owner, isDraining, uptimeSeconds, ...ratesOf(seen.figures, newSpans, { before, now }) });
    }
    this.#before = looks;
    const byName = (a: ProcessRates, b: ProcessRates): number => (`${a.node} ${a.process}` < `${b.node} ${b.process}` ? -1 : 1);
    return { total: totalOf(processes, spans), processes: processes.toSorted(byName) };
  }
}

function ratesOf(figures: Figures, spans: readonly number[], { before, now }: { before: Look | undefined; now: number }): Rates {
  const seconds = before === undefined ? 0 : (now - before.at) / 1_000;
  const { connections, closesPending, loopDelayMs, memoryBytes } = figures;
  const perSecond = (field: 'messagesReceived' | 'pushesSent' | 'bytesReceived' | 'bytesSent'): number =>
    before === undefined || seconds <= 0 ? 0 : Math.max(0, Math.round(((figures[field] - before.figures[field]) / seconds) * 10) / 10);
  return {
    connections,
    messagesPerSecond: perSecond('messagesReceived'),
    pushesPerSecond: perSecond('pushesSent'),
    bytesInPerSecond: perSecond('bytesReceived'),
    bytesOutPerSecond: perSecond('bytesSent'),
    closesPending,
    backendMs: quantilesOf(spans),
    loopDelayMs,
    memoryBytes,
  };
}

function quantilesOf(spans: readonly number[]): Rates['backendMs'] {
  const [p50, p95, p99] = [quantile(spans, 0.5), quantile(spans, 0.95), quantile(spans, 0.99)];
  return p50 === null || p95 === null || p99 === null ? null : { p50, p95, p99 };
}

function totalOf(processes: readonly Rates[], spans: readonly (readonly number[])[]): Rates {
  const sum = (field: Exclude<keyof Rates, 'backendMs' | 'loopDelayMs'>): number =>
    Math.round(processes.reduce((total, one) => total + one[field], 0) * 10) / 10;
  const all = (spans[0] ?? []).map((_count, step) => spans.reduce((total, counts) => total + (counts[step] ?? 0), 0));
  return {
    connections: sum('connections'),
    messagesPerSecond: sum('messagesPerSecond'),
    pushesPerSecond: sum('pushesPerSecond'),
    bytesInPerSecond: sum('bytesInPerSecond'),
    bytesOutPerSecond: sum('bytesOutPerSecond'),
    closesPending: sum('closesPending'),
    backendMs: quantilesOf(all),
    loopDelayMs: Math.max(0, ...processes.map(({ loopDelayMs }) => loopDelayMs)),
    memoryBytes: sum('memoryBytes'),
  };
}
