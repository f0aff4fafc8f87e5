import { pino } from 'pino';
import { supervise } from '../../../src/engines/processes/supervisor.ts';

/** A supervisor of two workers that loses patience with a hung one after so many ms: `node quick-supervisor.ts <ms> <program>`. */
const [silenceMs, program = ''] = process.argv.slice(2);
await supervise({
  workers: 2,
  host: '127.0.0.1',
  port: 0,
  controlHost: '127.0.0.1',
  controlPort: undefined,
  drainLimitMs: 10_000,
  node: 'quick',
  logger: pino(),
  beforeExit: () => Promise.resolve(),
  forked: () => {},
  obeys: () => {},
  program,
  argv: [],
  env: process.env,
  silenceMs: Number(silenceMs),
});
