import { setTimeout as elapsed } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PLAIN_ORDER, type LoadOrder } from './load/order.ts';
import { sampleTree } from './proc.ts';
import { run } from './run.ts';
import { median, spread } from './statistics.ts';

// What an open console costs the gateway. While messages flow at one pace, a console is open in every second span of time; CPU per
// message with it is compared with that of the spans before and behind, so that a machine that has other work as well is no
// matter. Exit 1: over --most.

const { values } = parseArgs({
  options: {
    spans: { type: 'string', default: '12' },
    'span-ms': { type: 'string', default: '3000' },
    connections: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '5000' },
    most: { type: 'string', default: '1.05' },
    main: { type: 'string', default: fileURLToPath(new URL('../dist/main.js', import.meta.url)) },
    unpinned: { type: 'boolean', default: false },
  },
});
/** A process forgets whoever has not asked for so long (edge/console/watches.ts). */
const FORGOTTEN_MS = 10_500;
const spans = Number(values.spans);
const spanMs = Number(values['span-ms']);
const order: LoadOrder = {
  ...PLAIN_ORDER,
  connections: Number(values.connections),
  inFlight: 64,
  ratePerSecond: Number(values.rate),
  patienceMs: 30_000,
  warmUpMs: 3_000,
  durationMs: 2 * spanMs + spans * (2 * spanMs + FORGOTTEN_MS + 2_000),
};

/** As the page does. Resolves once it has seen figures; whatever comes is read and thrown away. */
async function watch(port: number, signal: AbortSignal): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/console/events?figures=true`, { signal });
  if (!response.ok || response.body === null) throw new Error(`the console answered ${response.status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let told = ''; !told.includes('event: figures');) told += (await reader.read()).value ?? '';
  const drop = async (): Promise<void> => {
    while (!(await reader.read()).done);
  };
  void drop().catch(() => {});
}

async function messagesSoFar(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const [, count] = /^wsaas_messages_received_total(?:\{[^}]*\})? (\d+)/m.exec(text) ?? [];
  if (count === undefined) throw new Error('the gateway counts no messages');
  return Number(count);
}

/** CPU µs of the gateway per message in one span. */
async function costOf({ pid, port }: { readonly pid: number; readonly port: number }): Promise<number> {
  const [count, begin] = [await messagesSoFar(port), sampleTree(pid)];
  await elapsed(spanMs);
  const [end, counted] = [sampleTree(pid), await messagesSoFar(port)];
  return ((end.cpuSeconds - begin.cpuSeconds) * 1e6) / (counted - count);
}

const ratios: number[] = [];
const closed: number[] = [];
const open: number[] = [];

async function compare(target: { readonly pid: number; readonly port: number }): Promise<void> {
  let before = await costOf(target);
  closed.push(before);
  for (let span = 0; span < spans; span += 1) {
    const leaving = new AbortController();
    await watch(target.port, leaving.signal);
    const between = await costOf(target);
    leaving.abort();
    await elapsed(FORGOTTEN_MS);
    const behind = await costOf(target);
    open.push(between);
    closed.push(behind);
    ratios.push((2 * between) / (before + behind));
    before = behind;
    process.stderr.write(`open ${between.toFixed(1)} µs, closed ${behind.toFixed(1)} µs\n`);
  }
}

let comparing: Promise<void> = Promise.resolve();
const { problems } = await run(
  { name: 'gateway', script: values.main, env: { CONTROL_ALLOW: '127.0.0.0/8', LOG_LEVEL: 'WARN' }, broadcastRequest: '' },
  {
    order,
    isPinned: !values.unpinned,
    profileFolder: null,
    withProbe: false,
    limitMs: order.durationMs + 240_000,
    async onMark(name, { target }) {
      if (name === 'main:begin') comparing = compare(target);
      if (name === 'main:end') await comparing;
    },
  },
);
const { median: ratio, min, max } = spread(ratios);
process.stdout.write(
  `open ${median(open).toFixed(1)} µs, closed ${median(closed).toFixed(1)} µs a message; × ${ratio.toFixed(3)} (${min.toFixed(3)} to ${max.toFixed(3)}) ${problems.join('; ') || 'ok'}\n`,
);
process.exitCode = problems.length > 0 || ratio > Number(values.most) ? 1 : 0;
