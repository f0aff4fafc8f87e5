import { globSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { typeboxInOne } from './typebox-in-one.ts';

// `npm test`: all tests, or those of the patterns after `--`. Node's own runner, but the longest files begin first, so that none of
// them is left alone at the end; and what is compiled once is not compiled again by each of the processes.

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Two cores, and tests that wait. More of them would starve each other's processes. */
const FILES_AT_A_TIME = 3;
const LIMIT_MS = 120_000;
/** Of the whole run. What hangs, a file that was ended but whose processes hold on to its output say, is named and not waited for. */
const LIMIT_OF_ALL_MS = 20 * 60_000;

/** What takes longest, first. Those whose processes must not starve, as a cluster's, stay where they are: among shorter ones. */
const LONG = [
  'docker/dockerfile',
  'e2e/outage',
  'fuzz/fuzz',
  'bench/bench',
  'helm/chart',
  'e2e/console',
  'package',
  'e2e/streams-amqp',
].map((name) => `test/${name}.test.ts`);

process.env['NODE_COMPILE_CACHE'] ??= join(ROOT, 'node_modules/.cache/compiled');

const wanted = process.argv.slice(2);
const patterns = wanted.length > 0 ? wanted : ['test/**/*.test.ts'];
const found = globSync(patterns, { cwd: ROOT }).map((file) => relative(ROOT, join(ROOT, file)));
if (wanted.length === 0)
  for (const file of LONG) if (!found.includes(file)) throw new Error(`${file} is no longer there: it has another name in tools/test.ts`);
if (found.length === 0) throw new Error(`no test is called ${patterns.join(' ')}`);
const rank = (file: string): number => (LONG.includes(file) ? LONG.indexOf(file) : LONG.length);
const files = found.toSorted((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1));

const results = run({
  cwd: ROOT,
  files: files.map((file) => join(ROOT, file)),
  concurrency: FILES_AT_A_TIME,
  timeout: LIMIT_MS,
  execArgv: [`--test-timeout=${LIMIT_MS}`, '--import', await typeboxInOne()],
});
const running = new Set<string>();
results.on('test:dequeue', ({ name, nesting }) => void (nesting === 0 && running.add(name)));
results.on('test:complete', ({ name, nesting }) => void (nesting === 0 && running.delete(name)));
setTimeout(() => {
  console.error(`the tests were to end within ${LIMIT_OF_ALL_MS / 60_000} min; still running: ${[...running].join(', ')}`);
  process.exit(1);
}, LIMIT_OF_ALL_MS).unref();
results.on('test:fail', ({ todo }) => {
  if (todo === undefined || todo === false) process.exitCode = 1;
});
results.compose(spec).pipe(process.stdout);
