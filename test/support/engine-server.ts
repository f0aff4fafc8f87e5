import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { freePort } from './free-port.ts';
import { pidOf, signalTo } from './signals.ts';

/** A real engine of its own on a free port; it ends with the test, and so does what it wrote. */
export type EngineServer = {
  readonly url: string;
  readonly port: number;
  /** As if its machine lost power. */
  readonly kill: () => Promise<void>;
  /** Starts again on the same port, with nothing of what it knew. */
  readonly restart: () => Promise<void>;
  /** Stops and goes on: its connections stay, nothing is answered. */
  readonly freeze: () => unknown;
  readonly thaw: () => void;
  readonly pid: () => number;
};

type Kind = {
  readonly program: string;
  readonly scheme: string;
  readonly argv: (port: number, directory: string) => readonly string[];
  readonly isReady: (line: string) => boolean;
};

const KINDS = {
  redis: {
    program: 'redis-server',
    scheme: 'redis',
    argv: (port, directory) => ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'no'],
    isReady: (line) => line.includes('Ready to accept connections') || line.includes('Sentinel ID is'),
  },
  nats: {
    program: 'nats-server',
    scheme: 'nats',
    argv: (port, directory) => ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', directory],
    isReady: (line) => line.includes('Server is ready'),
  },
} satisfies Record<string, Kind>;

export type EngineKind = keyof typeof KINDS;
export const ENGINE_KINDS = Object.keys(KINDS) as EngineKind[];

/** Why tests with this engine cannot run here, or false. In CI it is there, or the tests fail. */
export function missing(kind: EngineKind): string | false {
  const { program } = KINDS[kind];
  const isThere = spawnSync(program, ['--version']).status === 0;
  return isThere || process.env['CI'] === 'true' ? false : `${program} is not on this machine: install it to run these tests`;
}

type Extra = readonly string[] | ((port: number, directory: string) => readonly string[] | Promise<readonly string[]>);

/** Starts a server of this kind; `extra` arguments come on top, or in front where the first is a file. */
export async function startEngine(t: Pick<TestContext, 'after'>, kind: EngineKind, extra: Extra = []): Promise<EngineServer> {
  const { program, scheme, argv: standard, isReady }: Kind = KINDS[kind];
  const port = await freePort();
  let child: ChildProcess | null = null;
  let directory = '';

  async function start(): Promise<void> {
    directory = await mkdtemp(join(tmpdir(), `${kind}-`));
    const more = typeof extra === 'function' ? await extra(port, directory) : extra;
    const isFile = more[0]?.startsWith('/') === true;
    const argv = isFile ? [...more] : [...standard(port, directory), ...more];
    const started = spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    await new Promise<void>((resolve, reject) => {
      started.once('error', reject);
      started.once('exit', (code) => reject(new Error(`${program} ended with ${code} before it was ready`)));
      for (const stream of [started.stdout, started.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          if (isReady(line)) resolve();
        });
      }
    });
  }

  async function kill(): Promise<void> {
    if (child === null) return;
    const dying = child;
    child = null;
    const gone = once(dying, 'exit');
    dying.kill('SIGKILL');
    await gone;
    await rm(directory, { recursive: true, force: true });
  }

  await start();
  t.after(kill);
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    port,
    kill,
    restart: start,
    freeze: () => child !== null && stop(pidOf(child)),
    thaw: () => void child?.kill('SIGCONT'),
    pid: () => child?.pid ?? 0,
  };
}

const STOP_MS = 2_000;

/** Returns when the process stands still: a thread of it may run for a while after the signal was sent. */
function stop(pid: number): void {
  signalTo(pid, 'SIGSTOP');
  for (const end = performance.now() + STOP_MS; performance.now() < end && !standsStill(pid););
}

function standsStill(pid: number): boolean {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`).map((task) => readFileSync(`/proc/${pid}/task/${task}/stat`, 'latin1'));
    return tasks.every((stat) => stat.slice(stat.lastIndexOf(')') + 2).startsWith('T'));
  } catch {
    return false; // a thread has ended meanwhile
  }
}
