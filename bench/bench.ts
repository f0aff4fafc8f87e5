import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { measureCpu, measureMemory, type Measured } from './measure.ts';
import { readOptions, USAGE, type Options, type Workload } from './options.ts';
import { quietMachine } from './proc.ts';
import { cpuRows, cpuTable, memoryRows, memoryTable, type CpuRun, type MemoryRun } from './table.ts';
import { canPin, type Target } from './target.ts';
import { makePair } from '../test/support/authority.ts';
import { missing, startEngine } from '../test/support/engine-server.ts';

// Measures the gateway against the floor, in alternation. README.md says what the figures mean.

const options = optionsOrUsage();
const scratch = mkdtempSync(join(tmpdir(), 'bench-'));
const runs: CpuRun[] = [];
const memoryRuns: MemoryRun[] = [];
const notes = new Set<string>();
for (const workload of options.workloads) {
  for (let round = 0; round < options.rounds; round += 1) {
    if (workload.name === 'stream') {
      await measureStream(workload, round);
      continue;
    }
    const env = { ...workload.env, ...(workload.name === 'tls' && (await certificate())) };
    const gateway = (target: Target): Target => ({ ...target, env: { ...target.env, ...env }, routes: workload.routes });
    const ours = gateway(options.ours);
    const floor =
      { echo: options.echoFloor, 'idle-handlers': options.handlers, tls: { ...options.floor, env } }[workload.name as string] ??
      options.floor;
    const other = options.against === null ? floor : gateway(options.against);
    const both = round % 2 === 0 ? [other, ours] : [ours, other];
    const targets = workload.hasFloor || options.against !== null ? both : [ours];
    if (workload.name.startsWith('idle')) await measureIdle(workload, targets, round);
    else await measureRound(await paced(workload), targets, { round });
  }
}
rmSync(scratch, { recursive: true, force: true });
report();

function optionsOrUsage(): Options {
  try {
    const read = readOptions(process.argv.slice(2));
    if (read !== null) return read;
    process.stdout.write(`${USAGE}\n`);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`);
    process.exit(2);
  }
}

/** `latency` without a rate: half of what the floor can do now, for both. */
async function paced(workload: Workload): Promise<Workload> {
  if (workload.name !== 'latency' || workload.ratePerSecond > 0) return workload;
  const { costs } = await measureCpu(options.floor, options.orderFor(workload, options.floor), { ...options, profileFolder: null });
  return { ...workload, ratePerSecond: Math.max(1, Math.floor((costs['main']?.perSecond ?? 0) / 2)) };
}

type Round = { readonly round: number; readonly streamUrl?: (target: Target) => string };

async function measureRound(workload: Workload, targets: readonly Target[], { round, streamUrl }: Round): Promise<void> {
  for (const target of targets) {
    await quietMachine(options.quietMs);
    const order = { ...options.orderFor(workload, target), streamUrl: streamUrl?.(target) ?? '' };
    const measured = await attempt(() => measureCpu(target, order, options));
    if (measured.skipped !== null) notes.add(`${workload.label}, ${target.name}: skipped, ${measured.skipped}`);
    runs.push({ ...measured, workload: workload.label, target: target.name, round });
    progress(`${workload.label} round ${round + 1} ${target.name}`, measured);
  }
}

/** Of nobody's trust: the generator takes any. */
async function certificate(): Promise<{ readonly TLS_CERT_FILE: string; readonly TLS_KEY_FILE: string }> {
  const { cert, key } = await makePair('localhost', 'leaf');
  const [TLS_CERT_FILE, TLS_KEY_FILE] = [join(scratch, 'cert.pem'), join(scratch, 'key.pem')];
  writeFileSync(TLS_CERT_FILE, cert);
  writeFileSync(TLS_KEY_FILE, key, { mode: 0o600 });
  return { TLS_CERT_FILE, TLS_KEY_FILE };
}

/** The same gateway over HTTP, and with a Redis stream for its messages, which it asks HTTP for nothing but `open`. */
async function measureStream(workload: Workload, round: number): Promise<void> {
  const because = missing('redis');
  if (because !== false) return void notes.add(`${workload.label}: skipped, ${because}`);
  const closers: (() => unknown)[] = [];
  const { url } = await startEngine({ after: (close: unknown) => void closers.push(close as () => unknown) }, 'redis');
  const routes = `routes: [{ path: /*, dialect: stream, open: "BACKEND", backend: "${url}/0?maxlen=100000" }]`;
  const [http, redis] = [
    { ...options.ours, name: 'http' },
    { ...options.ours, name: 'redis', routes },
  ] as const;
  const streamUrl = ({ name }: Target): string => (name === 'redis' ? url : '');
  await measureRound(workload, round % 2 === 0 ? [http, redis] : [redis, http], { round, streamUrl });
  for (const close of closers) await close();
}

async function measureIdle(workload: Workload, targets: readonly Target[], round: number): Promise<void> {
  for (const target of targets) {
    for (const isCollected of [false, true]) {
      await quietMachine(options.quietMs);
      const memory = await measureMemory(target, options.orderFor(workload, target), { isCollected, isPinned: options.isPinned });
      memoryRuns.push({ ...memory, target: target.name, round, isCollected });
      const each = Object.entries(memory.perConnectionBytes).map(([count, bytes]) => `${bytes.toFixed(0)} B @ ${count}`);
      process.stderr.write(`idle round ${round + 1} ${target.name}${isCollected ? ' collected' : ''}: ${each.join(', ')}\n`);
    }
  }
}

/** A run that breaks is a row that says so; the others still count. */
async function attempt(measure: () => Promise<Measured>): Promise<Measured> {
  try {
    return await measure();
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    return { costs: {}, p50Us: Number.NaN, p99Us: Number.NaN, problems: [what], skipped: null };
  }
}

function progress(what: string, { costs, problems }: Measured): void {
  const figures = Object.entries(costs).map(
    ([phase, cost]) => `${phase} ${cost.cpuUsPerUnit.toFixed(1)} µs, ${cost.perSecond.toFixed(0)}/s`,
  );
  process.stderr.write(`${what}: ${figures.join('; ')} ${problems.join('; ') || 'ok'}\n`);
}

function report(): void {
  const machine = {
    node: process.version,
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    linux: release(),
    isPinned: options.isPinned && canPin,
  };
  const rows = cpuRows(runs);
  const idleRows = memoryRows(memoryRuns);
  const problems = [...new Set([...runs, ...memoryRuns].flatMap((run) => run.problems))];
  const title = `Node ${machine.node}, ${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB, Linux ${machine.linux}${machine.isPinned ? ', one core each' : ''}, ${options.rounds} rounds`;
  const parts = [title, rows.length > 0 ? cpuTable(rows) : '', idleRows.length > 0 ? memoryTable(idleRows) : '', ...notes];
  process.stdout.write(`${parts.filter((part) => part !== '').join('\n\n')}\n`);
  if (problems.length > 0) process.stdout.write(`\nfailed: ${problems.join('; ')}\n`);
  const settings = { rounds: options.rounds, workloads: options.workloads, env: options.ours.env };
  if (options.jsonPath !== null)
    writeFileSync(
      options.jsonPath,
      JSON.stringify({ machine, settings, rows, idleRows, notes: [...notes], problems, runs, memoryRuns }, null, 1),
    );
  process.exitCode = problems.length > 0 ? 1 : 0;
}
