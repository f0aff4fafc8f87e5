import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEchoBackend } from '../support/echo-backend.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import { routesFile } from '../support/routes-file.ts';
import { readReport, type Verdict } from './report.ts';
import { findRuntime, type Runtime } from './runtime.ts';

const USAGE = `npm run autobahn -- [--cases 9.*,10.*] [--keep] [--allow-missing]
  --cases          which cases run; default: all
  --keep           leaves the report where it is, and says where
  --allow-missing  with CI=true: a missing runtime is no failure`;
/** Section 9 sends messages of 16 MiB. */
const LARGEST_MESSAGE = String(16 * 1_024 * 1_024);

type Owner = { readonly after: (close: () => unknown) => void };

/** Runs Autobahn|Testsuite's fuzzing client against a gateway whose backend echoes. Exit code 1: a case failed. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string', default: '*' },
      keep: { type: 'boolean', default: false },
      'allow-missing': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const runtime = findRuntime();
  if (runtime === null) {
    console.error('NOT TESTED: Autobahn|Testsuite was not run, because neither wstest nor its Docker image was found on this machine.');
    return process.env['CI'] === 'true' && !values['allow-missing'] ? 1 : 0;
  }
  const closers: (() => unknown)[] = [];
  const owner: Owner = { after: (close) => closers.unshift(close) };
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0)) await close();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void closeAll().then(() => process.exit(1)));
  try {
    return await judge(owner, runtime, { cases: values.cases.split(','), keepsReport: values.keep });
  } finally {
    await closeAll();
  }
}

type Wish = { readonly cases: readonly string[]; readonly keepsReport: boolean };

async function judge(owner: Owner, runtime: Runtime, { cases, keepsReport }: Wish): Promise<number> {
  const gateway = await echoGateway(owner);
  const folder = await mkdtemp(join(tmpdir(), 'autobahn-'));
  if (!keepsReport) owner.after(() => rm(folder, { recursive: true, force: true }));
  const servers = [{ agent: 'wsaas', url: gateway.wsUrl, options: { version: 18 } }];
  const spec = { options: { failByDrop: false }, outdir: './reports', servers, cases, 'exclude-cases': [], 'exclude-agent-cases': {} };
  await writeFile(join(folder, 'spec.json'), JSON.stringify(spec));
  const suite = spawn(runtime.command, runtime.argv(folder), { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  owner.after(() => suite.kill('SIGKILL'));
  const [code] = (await once(suite, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${runtime.name} was to end with 0, it ended with ${String(code)}`);
  const verdict = readReport(await readFile(join(folder, 'reports', 'index.json'), 'utf8'));
  print(verdict);
  if (keepsReport) console.log(`report: ${folder}/reports/index.html`);
  const complaints = gateway.log.all.filter(({ level }) => level >= 50);
  for (const line of complaints) console.log(`the gateway logged an error: ${JSON.stringify(line)}`);
  const isAlive = gateway.process.exitCode === null && gateway.process.signalCode === null;
  if (!isAlive) console.log('the gateway has ended during the run');
  return verdict.failed.length === 0 && complaints.length === 0 && isAlive ? 0 : 1;
}

async function echoGateway(owner: Owner): Promise<GatewayProcess> {
  const backend = await startEchoBackend(owner);
  const routes = await routesFile(owner, `routes:\n  - { path: "/*", backend: "${backend.url}", reply: true }\n`);
  return startGateway(owner, {
    ROUTES_FILE: routes.path,
    COMPRESSION: 'on', // sections 12 and 13
    MAX_MESSAGE_BYTES: LARGEST_MESSAGE,
    INBOX_BYTES: LARGEST_MESSAGE,
    SEND_BUFFER_BYTES: LARGEST_MESSAGE,
  });
}

function print({ byBehavior, failed }: Verdict): void {
  for (const [behavior, ids] of byBehavior) {
    console.log(`${behavior}: ${ids.length}${behavior === 'OK' ? '' : ` (${ids.join(', ')})`}`);
  }
  for (const line of failed) console.log(`not passed: ${line}`);
}

process.exitCode = await main();
