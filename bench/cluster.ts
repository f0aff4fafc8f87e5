import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startEngine, type EngineKind, type EngineServer } from '../test/support/engine-server.ts';
import { startCounted } from './engine-messages.ts';
import { driveBroadcast } from './load/broadcast.ts';
import { driveDown } from './load/downstream.ts';
import { Fleet } from './load/fleet.ts';
import { PLAIN_ORDER, type LoadOrder, type Phase } from './load/order.ts';
import { Pusher } from './load/pusher.ts';
import { sampleTree, type Sample } from './proc.ts';
import { run } from './run.ts';
import { spread } from './statistics.ts';
import { startTarget, type Running } from './target.ts';

// What an engine between the nodes costs: a local message beside it, a push across, a broadcast over three nodes. The
// engine is a server of its own for each part; who has to share two cores with it is in the figures.

const { values } = parseArgs({
  options: {
    engines: { type: 'string', default: 'redis,nats' },
    parts: { type: 'string', default: 'local,push,broadcast' },
    rounds: { type: 'string', default: '3' },
    duration: { type: 'string', default: '4' },
    connections: { type: 'string', default: '1000' },
    'in-flight': { type: 'string', default: '16' },
    rate: { type: 'string', default: '200' },
    'broadcast-connections': { type: 'string', default: '5000' },
    broadcasts: { type: 'string', default: '10' },
    main: { type: 'string', default: fileURLToPath(new URL('../dist/main.js', import.meta.url)) },
  },
});
const order: LoadOrder = {
  ...PLAIN_ORDER,
  connections: Number(values.connections),
  inFlight: Number(values['in-flight']),
  warmUpMs: 1_000,
  durationMs: Number(values.duration) * 1_000,
  broadcastRequest: 'POST /send?all=true',
};
/** So many that one is free whenever a push is due. */
const MANY = 200;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const CLOSERS: (() => unknown)[] = [];
const scope = { after: (close: unknown) => void CLOSERS.push(close as () => unknown) };

async function closeAll(): Promise<void> {
  for (const close of CLOSERS.splice(0).toReversed()) await close();
}

function environmentOf(engine: EngineServer | null): Record<string, string> {
  return { LOG_LEVEL: 'ERROR', CONTROL_ALLOW: '127.0.0.0/8', ...(engine !== null && { CLUSTER_URL: engine.url }) };
}

/** µs of CPU for each of so many units. */
function costOf([before, after]: readonly [Sample, Sample], units: number): number {
  return ((after.cpuSeconds - before.cpuSeconds) * 1e6) / units;
}

/** A node with and without CLUSTER_URL, in turn. */
async function measureLocal(kind: EngineKind): Promise<void> {
  const engine = await startEngine(scope, kind);
  const costs: Record<'alone' | 'joined', number[]> = { alone: [], joined: [] };
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const name of round % 2 === 0 ? (['alone', 'joined'] as const) : (['joined', 'alone'] as const)) {
      // a cluster of its own, else each node tells the ends of what the one before it held
      const env = { ...environmentOf(name === 'joined' ? engine : null), CLUSTER_NAME: `round-${round}` };
      const samples: Sample[] = [];
      const { phases, problems } = await run(
        { name, script: values.main, env, broadcastRequest: '' },
        {
          order: { ...order, inFlight: 64 },
          isPinned: true,
          withProbe: false,
          profileFolder: null,
          limitMs: 60_000,
          onMark: (_mark, { target }) => void samples.push(sampleTree(target.pid)),
        },
      );
      if (problems.length > 0) throw new Error(problems.join('; '));
      costs[name].push(costOf(samples as [Sample, Sample], phases['main']?.units ?? Number.NaN));
    }
  }
  const ratios = spread(costs.joined.map((cost, round) => cost / (costs.alone[round] ?? Number.NaN)));
  const [alone, joined] = [spread(costs.alone), spread(costs.joined)];
  say(
    `${kind}: a local message costs ${joined.median.toFixed(1)} µs with CLUSTER_URL, ${alone.median.toFixed(1)} µs without: × ${ratios.median.toFixed(2)} (${ratios.min.toFixed(2)}–${ratios.max.toFixed(2)})`,
  );
}

async function startNodes(engine: EngineServer, count: number, backendPort: number): Promise<Running[]> {
  const nodes: Running[] = [];
  for (let number = 1; number <= count; number += 1) {
    const target = {
      name: `n${number}`,
      script: values.main,
      env: { ...environmentOf(engine), NODE_NAME: `n${number}` },
      broadcastRequest: '',
    };
    const node = await startTarget(target, { backendPort, isPinned: false, withProbe: false, profileFolder: null });
    scope.after(() => node.stop());
    nodes.push(node);
  }
  return nodes;
}

function endWell(fleet: Fleet): void {
  fleet.checkAllArrived();
  fleet.isEnding = true;
  if (fleet.problems.length > 0) throw new Error(fleet.problems.join('; '));
}

/** Pushes by HTTP at one node to the clients of another, beside the same at the node that holds them. */
async function measurePush(kind: EngineKind): Promise<void> {
  const engine = await startEngine(scope, kind);
  const fleet = new Fleet(order.sizeBytes);
  const [here, there] = (await startNodes(engine, 2, await fleet.stub.listen())) as [Running, Running];
  fleet.gatewayPort = there.port;
  await fleet.openUpTo(order.connections);
  for (const [what, node] of [
    ['at its own node', there],
    ['at another node', here],
  ] as const) {
    for (const rate of [0, Number(values.rate)]) {
      const pushers = Array.from({ length: rate === 0 ? order.inFlight : MANY }, () => new Pusher(node.port));
      const paced = { ...order, ratePerSecond: rate };
      await driveDown(fleet, paced, { pushers, durationMs: order.warmUpMs });
      fleet.latencies.forget();
      const pids = [here.pid, there.pid, engine.pid()];
      const before = pids.map(sampleTree);
      const phase = await driveDown(fleet, paced, { pushers, durationMs: order.durationMs });
      const costs = pids.map((pid, index) => costOf([before[index] as Sample, sampleTree(pid)], phase.units).toFixed(0));
      const { p50Us, p99Us } = fleet.latencies.percentiles();
      const speed = rate === 0 ? `${order.inFlight} in flight, ${(phase.units / phase.seconds).toFixed(0)}/s` : `${rate}/s`;
      say(
        `${kind}: a push ${what} (${speed}): p50 ${p50Us.toFixed(0)} µs, p99 ${p99Us.toFixed(0)} µs; CPU asked node ${costs[0]} µs, owner ${costs[1]} µs, engine ${costs[2]} µs`,
      );
      for (const pusher of pushers) pusher.close();
    }
  }
  endWell(fleet);
}

/** One request at one node to everybody at three. */
async function measureBroadcast(kind: EngineKind): Promise<void> {
  const engine = await startCounted(scope, kind);
  const fleet = new Fleet(order.sizeBytes);
  const nodes = await startNodes(engine, 3, await fleet.stub.listen());
  for (const [index, node] of nodes.entries()) {
    fleet.gatewayPort = node.port;
    await fleet.openUpTo(Number(values['broadcast-connections']) * (index + 1));
  }
  const pusher = new Pusher(nodes[0]?.port ?? 0);
  await driveBroadcast(fleet, order, { pusher, times: 1 });
  const pids = [...nodes.map(({ pid }) => pid), engine.pid()];
  const [before, messagesBefore] = [pids.map(sampleTree), await engine.messages()];
  const times = Number(values.broadcasts);
  const phase = (await driveBroadcast(fleet, order, { pusher, times })) as Phase;
  const messages = ((await engine.messages()) - messagesBefore) / times;
  const costs = pids.map((pid, index) => costOf([before[index] as Sample, sampleTree(pid)], times));
  const perFrame = (costs[0] as number) + (costs[1] as number) + (costs[2] as number);
  say(
    `${kind}: a broadcast to 3 × ${values['broadcast-connections']}: ${((phase.seconds * 1_000) / times).toFixed(0)} ms, ${((perFrame * times) / phase.units).toFixed(1)} µs of the nodes' CPU a frame, engine ${costs[3]?.toFixed(0)} µs and ${messages.toFixed(1)} messages in all`,
  );
  pusher.close();
  endWell(fleet);
}

const PARTS: Readonly<Record<string, (kind: EngineKind) => Promise<void>>> = {
  local: measureLocal,
  push: measurePush,
  broadcast: measureBroadcast,
};

for (const kind of values.engines.split(',') as EngineKind[]) {
  for (const part of values.parts.split(',')) {
    await PARTS[part]?.(kind);
    await closeAll();
  }
}
process.exit(0); // the generator's clients are still there
