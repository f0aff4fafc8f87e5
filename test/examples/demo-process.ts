import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';
import { Arrivals } from '../support/arrivals.ts';
import { pidOf } from '../support/signals.ts';

const DEMO = fileURLToPath(new URL('../../examples/demo/demo.mjs', import.meta.url));

export type Demo = {
  readonly pid: number;
  readonly pageUrl: string;
  readonly gatewayUrl: string;
  /** With `--aws`: where the handlers lie. */
  readonly backendUrl: string;
  /** What it prints, both streams. */
  readonly lines: Arrivals<string>;
  readonly exited: Promise<number | null>;
  readonly kill: (signal: NodeJS.Signals) => void;
};

/** Runs `npm run demo`'s launcher on free ports. */
export async function startDemo(
  t: Pick<TestContext, 'after'>,
  env: Record<string, string> = {},
  argv: readonly string[] = [],
): Promise<Demo> {
  const { lines, exited, child } = launchDemo(t, env, argv);
  const gone = exited.then((code) => Promise.reject(new Error(`the demo ended with ${code}: ${lines.all.join('\n')}`)));
  const find = async (pattern: RegExp): Promise<string> => {
    const line = await Promise.race([lines.first((line) => pattern.test(line), 30_000), gone]);
    return pattern.exec(line)?.[1] ?? '';
  };
  const [pageUrl, gatewayUrl, backendUrl] = await Promise.all([
    find(/Open {2}(http:\S+)/),
    find(/(?:gateway|n1, pid \d+:) {2}(ws:\S+)/),
    find(/(?:backend|handlers) {2}([^\s,]+)/),
  ]);
  return { pid: pidOf(child), pageUrl, gatewayUrl, backendUrl, lines, exited, kill: (signal) => child.kill(signal) };
}

/** The same without waiting for anything. */
export function launchDemo(t: Pick<TestContext, 'after'>, env: Record<string, string> = {}, argv: readonly string[] = []) {
  const child = spawn(process.execPath, [DEMO, ...argv], {
    env: { ...process.env, PORT: '0', BACKEND_PORT: '0', PAGE_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = new Arrivals<string>();
  for (const output of [child.stdout, child.stderr]) createInterface({ input: output }).on('line', (line) => lines.add(line));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  t.after(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  return { child, lines, exited };
}

/** The two `curl` lines printed for a connection, as typed into a terminal. */
export async function printedCommands(demo: Demo, id: string): Promise<{ readonly push: string; readonly close: string }> {
  const [push, close] = await Promise.all(
    ['PUT', 'DELETE'].map((method) => demo.lines.first((line) => line.includes(`curl -X ${method} `) && line.includes(`/${id}`))),
  );
  return { push: push?.trim() ?? '', close: close?.trim() ?? '' };
}

/** The demo's children, where the system tells them (Linux); else none. */
export async function childrenOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return children.split(' ').filter(Boolean).map(Number);
}

export async function listens(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
