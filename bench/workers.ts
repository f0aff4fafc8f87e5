import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CpuQuota } from './cpu-quota.ts';
import { PLAIN_ORDER, type LoadOrder } from './load/order.ts';
import { processTree } from './proc.ts';
import { run } from './run.ts';
import { spread } from './statistics.ts';

// What one worker more adds in throughput. A machine of two cores has none to spare beside the load generator, so every
// worker is held to a share of a core (0.4): two of them then use less than one core, as two would on two slower cores.

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    duration: { type: 'string', default: '5' },
    share: { type: 'string', default: '0.4' },
    'in-flight': { type: 'string', default: '128' },
    connections: { type: 'string', default: '1000' },
    'target-ratio': { type: 'string', default: '1.7' },
    main: { type: 'string', default: fileURLToPath(new URL('../dist/main.js', import.meta.url)) },
  },
});
const WORKERS = [1, 2] as const;
const order: LoadOrder = {
  ...PLAIN_ORDER,
  connections: Number(values.connections),
  inFlight: Number(values['in-flight']),
  warmUpMs: 3_000,
  durationMs: Number(values.duration) * 1_000,
};

async function perSecond(workers: number): Promise<number> {
  const quotas: CpuQuota[] = [];
  const target = { name: 'gateway', script: values.main, env: { LOG_LEVEL: 'ERROR', WORKERS: String(workers) }, broadcastRequest: '' };
  try {
    const { phases, problems } = await run(target, {
      order,
      isPinned: true,
      profileFolder: null,
      withProbe: false,
      limitMs: 120_000,
      onMark(name, look) {
        if (name !== 'main:begin') return;
        const tree = processTree(look.target.pid);
        const serving = workers === 1 ? tree : tree.filter(({ pid }) => pid !== look.target.pid);
        if (serving.length !== workers) throw new Error(`${workers} workers were wanted, ${serving.length} run`);
        for (const { pid } of serving) quotas.push(new CpuQuota(pid, Number(values.share)));
      },
    });
    if (problems.length > 0) throw new Error(problems.join('; '));
    const { units, seconds } = phases['main'] ?? { units: 0, seconds: 1 };
    return units / seconds;
  } finally {
    for (const quota of quotas) await quota.remove();
  }
}

const rates: Record<number, number[]> = { 1: [], 2: [] };
for (let round = 0; round < Number(values.rounds); round += 1) {
  for (const workers of round % 2 === 0 ? WORKERS : WORKERS.toReversed()) {
    const rate = await perSecond(workers);
    rates[workers]?.push(rate);
    process.stderr.write(`round ${round + 1}, ${workers} worker(s) of ${values.share} core: ${rate.toFixed(0)}/s\n`);
  }
}
const ratios = spread((rates[2] ?? []).map((rate, round) => rate / (rates[1]?.[round] ?? Number.NaN)));
const isMet = ratios.median >= Number(values['target-ratio']);
process.stdout.write(
  `two workers of ${values.share} core each do ${ratios.median.toFixed(2)} (${ratios.min.toFixed(2)}–${ratios.max.toFixed(2)}) times as much as one; target ${values['target-ratio']}: ${isMet ? 'met' : 'missed'}\n`,
);
process.exitCode = isMet ? 0 : 1;
