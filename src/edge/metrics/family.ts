import { BOUNDS_MS, type Timings } from '../../core/timings.ts';

export type Labels = Readonly<Record<string, string>>;
export type Sample = { readonly value: number; readonly labels: Labels; /** Where it is not the family's. */ readonly metricName?: string };

/** How the samples of several processes become one. */
export type Aggregator = 'sum' | 'max' | 'min' | 'first';

/** A metric with its samples in prom-client's JSON, which crosses processes as it is. */
export type Family = {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly aggregator: Aggregator;
  readonly values: readonly Sample[];
};

/** What a metric is called and means. */
export type Title = { readonly name: string; readonly help: string };

export function counter({ name, help }: Title, values: readonly Sample[]): Family {
  return { name, help, type: 'counter', aggregator: 'sum', values };
}

export function gauge({ name, help }: Title, values: readonly Sample[], aggregator: Aggregator = 'sum'): Family {
  return { name, help, type: 'gauge', aggregator, values };
}

export function sample(value: number, labels: Labels = {}): Sample {
  return { value, labels };
}

/** In seconds, with cumulative buckets. */
export function histogram({ name, help }: Title, timings: Timings, [what, end]: readonly [what: string, end: string]): Family {
  const values: Sample[] = [];
  for (const [does, ends, { counts, sumMs }] of timings) {
    const labels = { [what]: does, [end]: ends };
    let below = 0;
    for (const [index, count] of counts.entries()) {
      below += count;
      const bound = BOUNDS_MS[index];
      values.push({
        value: below,
        labels: { le: bound === undefined ? '+Inf' : String(bound / 1000), ...labels },
        metricName: `${name}_bucket`,
      });
    }
    values.push({ value: sumMs / 1000, labels, metricName: `${name}_sum` }, { value: below, labels, metricName: `${name}_count` });
  }
  return { name, help, type: 'histogram', aggregator: 'sum', values };
}
