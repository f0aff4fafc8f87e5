import { Meter } from '../../src/core/meter.ts';
import type { Census } from '../../src/core/census.ts';
import { createMetrics } from '../../src/edge/metrics/metrics.ts';

/** One of everything, so that each metric shows its labels. */
const CENSUS: Census = {
  connections: 1,
  byRoute: new Map([['/*', { connecting: 0, open: 1, closing: 0 }]]),
  clients: 1,
  undelivered: 0,
  held: 0,
  pausedClients: 0,
  slowClients: 0,
  closesPending: 0,
  unfinished: 1,
  ready: 1,
  draining: 0,
};

/** The table of metrics, as Markdown. */
export function metricTable(): string {
  const meter = new Meter();
  meter.opensRefused.set('refused', 1);
  meter.ends.set('1000', new Map([['client', 1]]));
  meter.calls.took('open', '2xx', 1);
  meter.roundTrips.took('push', 'answered', 1);
  const { families, stop } = createMetrics({
    version: '',
    meter,
    places: () => 1,
    backends: () => [{ backend: 'http://backend', event: 'open', state: 'up', waiting: 0 }],
    cluster: () => ({ isJoined: true, isLedgerWhole: true, leaseAgeMs: 0 }),
  });
  const rows = families(CENSUS).map(({ name, type, help, values }) => {
    const labels = Object.keys(values[0]?.labels ?? {}).filter((label) => label !== 'le');
    return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help.replaceAll('|', '\\|')} |`;
  });
  stop();
  return ['| metric | kind | labels | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
