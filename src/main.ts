#!/usr/bin/env node
import { hearSignals } from './cli/early-signals.ts';
import { EXIT_UNAVAILABLE } from './cli/exit-codes.ts';
import { nodeProblem } from './cli/node-version.ts';
import { allocateYoung, limitYoungGeneration } from './cli/young-generation.ts';

const problem = nodeProblem();
if (problem !== null) {
  process.stderr.write(`${problem}\n`);
  process.exit(EXIT_UNAVAILABLE);
}
limitYoungGeneration();
hearSignals();
allocateYoung();
await import('./program.ts'); // only now: on an old Node its packages would fail first, and not say why
