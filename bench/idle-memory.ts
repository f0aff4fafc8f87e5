import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PLAIN_ORDER, type LoadOrder } from './load/order.ts';
import { measureMemory } from './measure.ts';

// One figure: process memory (PSS) at so many idle connections less that of the empty process, divided, both after a
// forced collection. Exits with 1 when it is over the target.

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '10000' },
    'target-bytes': { type: 'string', default: '10000' },
    main: { type: 'string', default: fileURLToPath(new URL('../dist/main.js', import.meta.url)) },
  },
});
const connections = Number(values.connections);
const targetBytes = Number(values['target-bytes']);
const order: LoadOrder = {
  ...PLAIN_ORDER,
  workload: 'idle',
  connections,
  steps: [connections],
  settleMs: 3_000,
};
const gateway = { name: 'gateway', script: values.main, env: {}, broadcastRequest: '' };
const { baseBytes, perConnectionBytes, problems } = await measureMemory(gateway, order, { isCollected: true, isPinned: false });
const bytes = perConnectionBytes[connections] ?? Number.NaN;
const isMet = bytes <= targetBytes && problems.length === 0;
const verdict = problems.length > 0 ? `failed: ${problems.join('; ')}` : isMet ? 'met' : 'missed';
process.stdout.write(
  `${(bytes / 1_000).toFixed(2)} KB of process memory per idle connection (PSS, ${connections} connections, empty process ${(baseBytes / 1e6).toFixed(1)} MB, collected); target ${(targetBytes / 1_000).toFixed(1)} KB: ${verdict}\n`,
);
process.exitCode = isMet ? 0 : 1;
