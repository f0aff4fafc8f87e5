import { driveBroadcast } from './broadcast.ts';
import { driveDown } from './downstream.ts';
import { Fleet } from './fleet.ts';
import type { FromLoad, LoadOrder, Phase, ToLoad } from './order.ts';
import { elapsed } from './pace.ts';
import { Pusher } from './pusher.ts';
import { soakCycle } from './soak.ts';
import { SPEECHES } from './speech.ts';
import { closeAll, openAll } from './storm.ts';
import { StreamReader } from './stream-reader.ts';
import { driveUp } from './upstream.ts';

// The load generator: clients, backend and pusher in one thread, so that one clock and one table check every message.
// Its parent is told of each mark and answers when the measured process has been looked at.

const WARM_UP_BROADCASTS = 3;
const CYCLE_OUTAGES = ['unavailable', 'well', 'reset'] as const;

const order = JSON.parse(process.argv[2] ?? '{}') as LoadOrder;
const fleet = new Fleet(order.sizeBytes, { ...order, speech: order.speech === null ? null : SPEECHES[order.speech] });
fleet.stub.delayMs = order.backendDelayMs;
fleet.isEchoed = order.isInProcess;
const phases: Record<string, Phase> = {};
let skipped: string | null = null;

function tell(message: FromLoad): void {
  process.send?.(message);
}

function heard(type: ToLoad['type']): Promise<ToLoad> {
  return new Promise((resolve) => {
    process.once('message', (message: ToLoad) => {
      if (message.type !== type) throw new Error(`"${type}" was wanted from the parent, not "${message.type}"`);
      resolve(message);
    });
  });
}

async function mark(name: string): Promise<void> {
  const go = heard('go');
  tell({ type: 'mark', name });
  await go;
}

async function measure(name: string, drive: () => Promise<Phase>): Promise<void> {
  fleet.latencies.forget();
  await mark(`${name}:begin`);
  phases[name] = await drive();
  await mark(`${name}:end`);
}

function pushersOf(count: number): Pusher[] {
  return Array.from({ length: count }, () => new Pusher(fleet.gatewayPort));
}

async function messages(): Promise<void> {
  await fleet.openUpTo(order.connections);
  await driveUp(fleet, order, order.warmUpMs);
  await measure('main', () => driveUp(fleet, order, order.durationMs));
}

const workloads: { readonly [Name in LoadOrder['workload']]: () => Promise<void> } = {
  upstream: messages,
  'round-trip': messages,
  async downstream() {
    const pushers = pushersOf(order.inFlight);
    await fleet.openUpTo(order.connections);
    await driveDown(fleet, order, { pushers, durationMs: order.warmUpMs });
    await measure('main', () => driveDown(fleet, order, { pushers, durationMs: order.durationMs }));
  },
  async broadcast() {
    const [pusher] = pushersOf(1) as [Pusher];
    await fleet.openUpTo(order.connections);
    const warmUp = await driveBroadcast(fleet, order, { pusher, times: WARM_UP_BROADCASTS });
    if (typeof warmUp === 'string') {
      skipped = warmUp;
      return;
    }
    await measure('main', async () => {
      const phase = await driveBroadcast(fleet, order, { pusher, times: order.repetitions });
      if (typeof phase !== 'string') return phase;
      fleet.problem(phase);
      return { units: 0, seconds: 0 };
    });
  },
  async connect() {
    await measure('main', () => openAll(fleet, order));
    await measure('close', () => closeAll(fleet));
  },
  async idle() {
    await mark('idle:0');
    for (const step of order.steps) {
      await fleet.openUpTo(step);
      await elapsed(order.settleMs);
      await mark(`idle:${step}`);
    }
  },
  async soak() {
    const pushers = pushersOf(order.inFlight);
    for (let cycle = 0; cycle < order.repetitions; cycle += 1) {
      await soakCycle(fleet, order, { pushers, outage: CYCLE_OUTAGES[cycle % CYCLE_OUTAGES.length] ?? 'well' });
      await elapsed(order.settleMs);
      await mark(`rest:${cycle}`);
    }
  },
};

const started = heard('start');
tell({ type: 'listening', backendPort: await fleet.stub.listen() });
const start = await started;
if (start.type === 'start') fleet.gatewayPort = start.gatewayPort;
if (order.streamUrl !== '') void new StreamReader(fleet, order.streamUrl).run();
await workloads[order.workload]();
fleet.checkAllArrived();
const report: FromLoad = { type: 'report', report: { phases, ...fleet.latencies.percentiles(), problems: fleet.problems, skipped } };
process.send?.(report, () => process.exit(0));
