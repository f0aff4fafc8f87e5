import type { Census } from '../../core/census.ts';
import type { Meter } from '../../core/meter.ts';
import type { BackendHealth } from '../../wire/calls.ts';
import { countersOf } from './counters.ts';
import type { Family } from './family.ts';
import { backendsOf, besideOf, clusterOf, gaugesOf, type Beside, type ClusterHealth } from './gauges.ts';
import { ProcessWatch } from './process.ts';

export type MetricsOptions = {
  readonly version: string;
  readonly meter: Meter;
  /** Clients that there may be at once (MAX_CONNECTIONS). */
  readonly places: () => number;
  readonly backends: () => readonly BackendHealth[];
  readonly cluster: () => ClusterHealth;
};

export type Metrics = {
  /** This process's metrics, with what the gateway shows at the moment. */
  readonly families: (census: Census) => Family[];
  /** From now on `families` tells this, too; until then that nobody is there. */
  readonly attach: (beside: () => Beside) => void;
  readonly stop: () => void;
};

/** Everything is read when it is asked for; nothing is counted twice. */
export function createMetrics({ version, meter, places, backends, cluster }: MetricsOptions): Metrics {
  const watch = new ProcessWatch(version);
  let beside = nobody;
  return {
    families: (census) => [
      ...gaugesOf(census, places()),
      ...besideOf(beside()),
      ...countersOf(meter),
      ...backendsOf(backends()),
      ...clusterOf(cluster()),
      ...watch.families(),
    ],
    attach: (present) => {
      beside = present;
    },
    stop: () => watch.stop(),
  };
}

const nobody = (): Beside => ({ watchers: 0, httpSockets: 0 });
