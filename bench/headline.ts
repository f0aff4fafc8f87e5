import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PLAIN_ORDER, type LoadOrder } from './load/order.ts';
import { pssBytesOfTree, sampleTree, type Sample } from './proc.ts';
import { run } from './run.ts';

// Very many connections that each send now and then: several gateways side by side, each with a load generator of its
// own, as a process may have no more open files than its limit. All measure in the same seconds.

const { values } = parseArgs({
  options: {
    gateways: { type: 'string', default: '7' },
    connections: { type: 'string', default: '120000' },
    'every-seconds': { type: 'string', default: '10' },
    duration: { type: 'string', default: '20' },
    main: { type: 'string', default: fileURLToPath(new URL('../dist/main.js', import.meta.url)) },
  },
});
const gateways = Number(values.gateways);
const each = Math.ceil(Number(values.connections) / gateways);
const order: LoadOrder = {
  ...PLAIN_ORDER,
  connections: each,
  ratePerSecond: each / Number(values['every-seconds']),
  patienceMs: 20_000,
  warmUpMs: 5_000,
  durationMs: Number(values.duration) * 1_000,
};

/** Resolves for all once everybody has come. */
class Barrier {
  #missing = gateways;
  readonly #all = Promise.withResolvers<void>();

  come(): Promise<void> {
    this.#missing -= 1;
    if (this.#missing === 0) this.#all.resolve();
    return this.#all.promise;
  }
}

const barriers: Readonly<Record<string, Barrier>> = { 'main:begin': new Barrier(), 'main:end': new Barrier() };
const samples: Record<string, Sample[]> = { 'main:begin': [], 'main:end': [] };
let pssBytes = 0;

const reports = await Promise.all(
  Array.from({ length: gateways }, () =>
    run(
      { name: 'gateway', script: values.main, env: { LOG_LEVEL: 'ERROR' }, broadcastRequest: '' },
      {
        order,
        isPinned: false,
        profileFolder: null,
        withProbe: false,
        limitMs: 600_000,
        async onMark(name, { target }) {
          await barriers[name]?.come();
          samples[name]?.push(sampleTree(target.pid));
          if (name === 'main:end') pssBytes += pssBytesOfTree(target.pid);
        },
      },
    ),
  ),
);
const cpuSeconds = (name: string): number => (samples[name] ?? []).reduce((sum, sample) => sum + sample.cpuSeconds, 0);
const units = reports.reduce((sum, { phases }) => sum + (phases['main']?.units ?? 0), 0);
const seconds = Math.max(...reports.map(({ phases }) => phases['main']?.seconds ?? Number.NaN));
const spent = cpuSeconds('main:end') - cpuSeconds('main:begin');
const worst = (key: 'p50Us' | 'p99Us'): string => (Math.max(...reports.map((report) => report[key])) / 1_000).toFixed(1);
const problems = reports.flatMap((report) => report.problems);
process.stdout.write(
  [
    `${each * gateways} connections on ${gateways} gateways, ${(units / seconds).toFixed(0)} messages/s for ${seconds.toFixed(0)} s`,
    `${((spent * 1e6) / units).toFixed(0)} µs of CPU a message, ${(spent / seconds).toFixed(2)} cores for all gateways`,
    `${(pssBytes / 1e9).toFixed(2)} GB for all gateways (PSS), ${(pssBytes / (each * gateways) / 1e3).toFixed(1)} KB a connection, the processes included`,
    `p50 ${worst('p50Us')} ms, p99 ${worst('p99Us')} ms, of the slowest gateway`,
    problems.length > 0 ? `failed: ${problems.join('; ')}` : 'every message arrived once and in order',
  ].join('\n') + '\n',
);
process.exitCode = problems.length > 0 ? 1 : 0;
