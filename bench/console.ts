import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PLAIN_ORDER, type LoadOrder } from './load/order.ts';
import { sampleTree, type Sample } from './proc.ts';
import { run } from './run.ts';
import { spread } from './statistics.ts';
import type { Running } from './target.ts';

// What an open console costs the gateway: CPU per message with one watching and with nobody, in turn; and, with --before and an
// older program, what the console costs while it is closed.

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    duration: { type: 'string', default: '10' },
    connections: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '5000' },
    main: { type: 'string', default: fileURLToPath(new URL('../dist/main.js', import.meta.url)) },
    before: { type: 'string' },
    unpinned: { type: 'boolean', default: false },
  },
});
const order: LoadOrder = {
  ...PLAIN_ORDER,
  connections: Number(values.connections),
  inFlight: 64,
  ratePerSecond: Number(values.rate),
  warmUpMs: 3_000,
  durationMs: Number(values.duration) * 1_000,
};
const VARIANTS = ['before', 'closed', 'open'] as const;
type Variant = (typeof VARIANTS)[number];
const measured: readonly Variant[] = values.before === undefined ? ['closed', 'open'] : VARIANTS;

/** CPU µs of the gateway per message. */
async function costOf(variant: Variant): Promise<number> {
  const script = variant === 'before' ? (values.before ?? '') : values.main;
  const marks: Sample[] = [];
  const leaving = new AbortController();
  try {
    const { phases, problems } = await run(
      { name: variant, script, env: { CONTROL_ALLOW: '127.0.0.0/8', LOG_LEVEL: 'WARN' }, broadcastRequest: '' },
      {
        order,
        isPinned: !values.unpinned,
        profileFolder: null,
        withProbe: false,
        limitMs: order.warmUpMs + order.durationMs + 180_000,
        async onMark(name, { target }) {
          if (!name.startsWith('main:')) return;
          if (name === 'main:begin' && variant === 'open') await watch(target, leaving.signal);
          marks.push(sampleTree(target.pid));
        },
      },
    );
    if (problems.length > 0) throw new Error(problems.join('; '));
    const [begin, end] = marks;
    if (begin === undefined || end === undefined) throw new Error('the run had no marks');
    return ((end.cpuSeconds - begin.cpuSeconds) * 1e6) / (phases['main']?.units ?? Number.NaN);
  } finally {
    leaving.abort();
  }
}

/** As the page does. Resolves once it has seen figures; whatever comes is read and thrown away. */
async function watch({ port }: Running, signal: AbortSignal): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/console/events?figures=true`, { signal });
  if (!response.ok || response.body === null) throw new Error(`the console answered ${response.status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let told = ''; !told.includes('event: figures');) told += (await reader.read()).value ?? '';
  const drop = async (): Promise<void> => {
    while (!(await reader.read()).done);
  };
  void drop().catch(() => {});
}

const costs: Record<Variant, number[]> = { before: [], closed: [], open: [] };
for (let round = 0; round < Number(values.rounds); round += 1) {
  for (const variant of round % 2 === 0 ? measured : measured.toReversed()) {
    const cost = await costOf(variant);
    costs[variant].push(cost);
    process.stderr.write(`round ${round + 1}, ${variant}: ${cost.toFixed(1)} µs\n`);
  }
}
for (const [one, other] of [['open', 'closed'] as const, ['closed', 'before'] as const]) {
  if (!measured.includes(other)) continue;
  const ratios = spread(costs[one].map((cost, round) => cost / (costs[other][round] ?? Number.NaN)));
  const [of, against] = [spread(costs[one]), spread(costs[other])];
  process.stdout.write(
    `${one} ${of.median.toFixed(1)} µs, ${other} ${against.median.toFixed(1)} µs: ${ratios.median.toFixed(3)} (${ratios.min.toFixed(3)} to ${ratios.max.toFixed(3)})\n`,
  );
}
