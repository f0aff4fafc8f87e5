import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { Arrivals } from './arrivals.ts';
import { pidOf } from './signals.ts';

export const MAIN = process.env['WSAAS_MAIN'] ?? fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export type LogLine = { readonly level: number; readonly msg: string } & Readonly<Record<string, unknown>>;

/** A gateway that serves. */
export type Gateway = {
  /** Where clients connect: `ws://127.0.0.1:port`. */
  readonly wsUrl: string;
  /** The same port over HTTP, and the control API's. */
  readonly publicUrl: string;
  readonly controlUrl: string;
  readonly log: Arrivals<LogLine>;
};

/** The emitted program, running as a process of its own. */
export type GatewayProcess = Gateway & {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Resolves to exit code and signal. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
};

/** The processes that serve, of a gateway with several. */
export function workerPids({ log }: Gateway): number[] {
  return log.all.find(({ msg }) => msg === 'wsaas serves')?.['workerPids'] as number[];
}

/** What a program that a test starts sees of the world around it. What one of them has compiled, the next finds. */
export const AROUND: Readonly<Record<string, string | undefined>> = {
  PATH: process.env['PATH'],
  ...(process.env['NODE_COMPILE_CACHE'] !== undefined && { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }),
};

export const STANDARD = { HOST: '127.0.0.1', PORT: '0', DRAIN_MS: '200', LOG_LEVEL: 'INFO', CONTROL_ALLOW: '127.0.0.0/8,::1/128' };

/** The log of a program that prints lines of JSON. */
export function readLog(output: Readable): Arrivals<LogLine> {
  const log = new Arrivals<LogLine>();
  createInterface({ input: output }).on('line', (line) => log.add(JSON.parse(line) as LogLine));
  return log;
}

/** The flag of Node, or part of NODE_OPTIONS, for a script that runs before anything else in every process. */
export const importing = (script: string): string => `--import=data:text/javascript,${encodeURIComponent(script)}`;

/** The program's own size, said beforehand: it need not begin anew for it (test/cli/command-line.test.ts does). The last such flag counts. */
export const YOUNG = '--max-semi-space-size=8';

/** Starts the emitted program (`npm run build` first) on free ports, with these variables and no others of ours; `argv` is Node's, unless it says otherwise. */
export async function startGateway(
  t: Pick<TestContext, 'after'>,
  env: Record<string, string>,
  argv: readonly string[] | { readonly ofProgram: readonly string[] } = [],
): Promise<GatewayProcess> {
  const child = spawn(process.execPath, 'ofProgram' in argv ? [YOUNG, MAIN, ...argv.ofProgram] : [YOUNG, ...argv, MAIN], {
    cwd: '/', // no .env
    env: { ...AROUND, ...STANDARD, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = readLog(child.stdout);
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += String(chunk)));
  const exited = once(child, 'exit').then(([code, signal]) => ({ code: code as number | null, signal: signal as NodeJS.Signals | null }));
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const started = log.first((line) => line.msg === 'wsaas serves', 60_000);
  const first = await Promise.race([
    started,
    exited.then(({ code }) => Promise.reject(new Error(`the gateway ended with ${code}: ${errors}`))),
  ]);
  const publicUrl = String(first['publicUrl']);
  return {
    process: child,
    pid: pidOf(child),
    wsUrl: publicUrl.replace('http', 'ws'),
    publicUrl,
    controlUrl: String(first['controlUrl']),
    log,
    exited,
  };
}
