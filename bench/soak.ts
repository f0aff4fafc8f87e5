import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PLAIN_ORDER, type LoadOrder } from './load/order.ts';
import { descriptorsOfTree } from './proc.ts';
import { run } from './run.ts';
import { grows, median } from './statistics.ts';

// Churn, pushes and backend outages for minutes; after each cycle, with nobody connected and everything told, it reads
// what is still alive. Exits with 1 when descriptors, timers or heap grow, or when a message or a close event is lost.

type Rest = { readonly descriptors: number; readonly timers: number; readonly heapBytes: number };

/** Above noise: sockets of the backend's pool that happen to be open, timers of a back-off, code compiled late. */
const SLACK: { readonly [Figure in keyof Rest]: number } = { descriptors: 8, timers: 8, heapBytes: 2_000_000 };
const SETTLE_MS = 6_000; // above the keep-alive of an idle backend socket
const END_MS = 150_000; // of a cycle: the longest waits for what was held

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    'cycle-seconds': { type: 'string', default: '14' },
    connections: { type: 'string', default: '200' },
    env: { type: 'string', multiple: true, default: [] },
    main: { type: 'string', default: fileURLToPath(new URL('../dist/main.js', import.meta.url)) },
  },
});
const cycleMs = Number(values['cycle-seconds']) * 1_000;
const cycles = Math.max(3, Math.round((Number(values.minutes) * 60_000) / (cycleMs + SETTLE_MS)));
const order: LoadOrder = {
  ...PLAIN_ORDER,
  workload: 'soak',
  connections: Number(values.connections),
  inFlight: 16,
  durationMs: cycleMs,
  repetitions: cycles,
  settleMs: SETTLE_MS,
};
const env = Object.fromEntries(values.env.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
const rests: Rest[] = [];
process.stdout.write('| cycle | descriptors | timers | heap, collected, MB |\n| --- | --- | --- | --- |\n');
const { problems } = await run(
  { name: 'gateway', script: values.main, env: { LOG_LEVEL: 'ERROR', ...env }, broadcastRequest: '' },
  {
    order,
    isPinned: false,
    withProbe: true,
    profileFolder: null,
    limitMs: cycles * (cycleMs + SETTLE_MS + END_MS),
    async onMark(_name, { target }) {
      const { heapBytes, timers } = await target.collect();
      const rest = { descriptors: descriptorsOfTree(target.pid), timers, heapBytes };
      rests.push(rest);
      process.stdout.write(`| ${rests.length}/${cycles} | ${rest.descriptors} | ${timers} | ${(heapBytes / 1e6).toFixed(2)} |\n`);
    },
  },
);
const figures = Object.keys(SLACK) as (keyof Rest)[];
const growing = figures.filter((figure) =>
  grows(
    rests.map((rest) => rest[figure]),
    SLACK[figure],
  ),
);
const third = Math.floor(rests.length / 3);
for (const figure of figures) {
  const [first, last] = [rests.slice(0, third), rests.slice(-third)].map((part) => median(part.map((rest) => rest[figure])));
  process.stdout.write(`${figure}: ${first} in the first third, ${last} in the last: ${growing.includes(figure) ? 'grows' : 'flat'}\n`);
}
if (problems.length > 0) process.stdout.write(`failed: ${problems.join('; ')}\n`);
process.exitCode = growing.length > 0 || problems.length > 0 ? 1 : 0;
