import { spawn, spawnSync, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve as resolvePath } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as elapsed } from 'node:timers/promises';
import { YOUNG_GENERATION_MB } from '../src/config/young-generation.ts';
import { freePort } from '../test/support/free-port.ts';
import { killIfThere, pidOf, signalTo } from '../test/support/signals.ts';
import { listensOn, processTree } from './proc.ts';

/** A gateway to measure: a script for this same Node, and what it gets in its environment. */
export type Target = {
  readonly name: string;
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** Method and path of a push to all. */
  readonly broadcastRequest: string;
  /** Its routes file, with BACKEND for the backend's URL. */
  readonly routes?: string | null;
};

/** What the probe tells after a forced collection. */
export type Alive = { readonly heapBytes: number; readonly timers: number };

export type Running = {
  readonly pid: number;
  readonly port: number;
  /** Forces a collection in the whole tree. Only with the probe. */
  readonly collect: () => Promise<Alive>;
  /** The end of its log, for reports of failures. */
  readonly lastWords: () => string;
  readonly stop: () => Promise<void>;
};

export type StartOptions = {
  readonly backendPort: number;
  readonly isPinned: boolean;
  readonly withProbe: boolean;
  /** Where a CPU profile goes, or null for none. */
  readonly profileFolder: string | null;
};

const START_MS = 20_000;
const PROFILE_MS = 20_000; // its writing waits for an orderly end
const PROBE_MS = 20_000;
/** The program sets the size itself, by beginning anew, but would lose the probe's pipe then. */
const PROBE = [`--max-semi-space-size=${YOUNG_GENERATION_MB}`, '--expose-gc', '--import', new URL('probe.mjs', import.meta.url).href];

export const GATEWAY_CORE = 0;
export const GENERATOR_CORE = 1;
export const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

/** A command of this Node, held to one core where that can be done. */
export function nodeCommand(args: readonly string[], core: number | null): readonly [command: string, args: string[]] {
  return core === null ? [process.execPath, [...args]] : ['taskset', ['-c', String(core), process.execPath, ...args]];
}

export async function startTarget(target: Target, options: StartOptions): Promise<Running> {
  const { backendPort, isPinned, withProbe, profileFolder } = options;
  const port = await freePort(); // any program can be a target, and none tells which port it took
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const logPath = join(folder, 'log');
  const log = openSync(logPath, 'w');
  const profiling =
    profileFolder === null
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${resolvePath(profileFolder)}`, `--cpu-prof-name=${target.name}-${port}.cpuprofile`];
  const [command, args] = nodeCommand(
    [...(withProbe ? PROBE : []), ...profiling, resolvePath(target.script)],
    isPinned ? GATEWAY_CORE : null,
  );
  const backend = `http://127.0.0.1:${backendPort}/bench`;
  const routes = join(folder, 'routes.yaml');
  if (target.routes) writeFileSync(routes, target.routes.replace('BACKEND', backend));
  const stdio: StdioOptions = withProbe ? ['ignore', log, log, 'pipe'] : ['ignore', log, log];
  const child = spawn(command, args, {
    cwd: folder, // no .env
    env: {
      PATH: process.env['PATH'],
      ...(target.routes ? { ROUTES_FILE: routes } : { API_URI: backend }),
      HOST: '127.0.0.1',
      PORT: String(port),
      ...target.env,
    },
    stdio,
  });
  const exited = once(child, 'exit');
  let words: string | null = null;
  const lastWords = (): string => words ?? readFileSync(logPath, 'utf8').slice(-1_000);
  const stop = async (): Promise<void> => {
    const pids = processTree(pidOf(child)).map(({ pid }) => pid);
    if (profileFolder !== null) {
      child.kill('SIGTERM');
      await Promise.race([exited, elapsed(PROFILE_MS, null, { ref: false })]);
    }
    for (const pid of pids) killIfThere(pid);
    await exited;
    words = lastWords();
    rmSync(folder, { recursive: true, force: true });
  };
  const collect = withProbe ? collector(child) : () => Promise.reject(new Error('the target was started without the probe'));
  if (!(await listens(port, child))) {
    await stop();
    throw new Error(`${target.name} was to listen on port ${port} within ${START_MS} ms and does not; its log ends: ${lastWords()}`);
  }
  return { pid: pidOf(child), port, collect, lastWords, stop };
}

function collector(child: ChildProcess): () => Promise<Alive> {
  const lines = createInterface({ input: child.stdio[3] as NodeJS.ReadableStream });
  return async () => {
    const answered = once(lines, 'line', { signal: AbortSignal.timeout(PROBE_MS) });
    for (const { pid } of processTree(pidOf(child))) signalTo(pid, 'SIGWINCH');
    try {
      const [line] = (await answered) as [string];
      return JSON.parse(line) as Alive;
    } catch (cause) {
      throw new Error(`the probe was to answer within ${PROBE_MS} ms and did not; does the target still run?`, { cause });
    }
  };
}

async function listens(port: number, child: ChildProcess): Promise<boolean> {
  const giveUpAt = performance.now() + START_MS;
  while (performance.now() < giveUpAt && child.exitCode === null) {
    if (listensOn(pidOf(child), port)) return true;
    await elapsed(20);
  }
  return false;
}
