import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { suite, test, type TestContext } from 'node:test';
import { ask } from '../support/ask.ts';
import { startBackend } from '../support/backend.ts';
import { findProgram } from '../examples/programs.ts';
import { AROUND, MAIN, startGateway, type LogLine } from '../support/gateway.ts';
import { isEvent, onMessage } from '../support/guests.ts';
import { Arrivals } from '../support/arrivals.ts';
import { connect } from '../support/client.ts';
import { killIfThere, signalTo } from '../support/signals.ts';

/** A gateway whose log has a reader that left, or stopped to read, after the first lines. */
type Scene = {
  readonly wsUrl: string;
  readonly controlUrl: string;
  readonly pid: number;
  readonly code: Promise<number | null>;
};
type Start = (t: TestContext, env: Record<string, string>, reader: 'killed' | 'stalled') => Promise<Scene>;

/** Node gives a child a socket for its output. */
const bySocket: Start = async (t, env, reader) => {
  const gateway = await startGateway(t, env);
  if (reader === 'killed') gateway.process.stdout?.destroy();
  else gateway.process.stdout?.pause();
  return { ...gateway, code: gateway.exited.then(({ code }) => code) };
};

const READER = { killed: '', stalled: 'exec sleep 600' };

/** A shell gives it a pipe: `wsaas | reader`. */
const byPipe: Start = async (t, env, reader) => {
  const script = `{ "$NODE" "$MAIN" 2>/dev/null & echo "pid $!" >&3; wait $!; echo "code $?" >&3; } | sh -c 'echo "reader $$" >&3; grep -m 1 "wsaas serves" >&3; ${READER[reader]}'`;
  const shell = spawn('sh', ['-c', script], {
    cwd: '/',
    env: { ...AROUND, NODE: process.execPath, MAIN, HOST: '127.0.0.1', PORT: '0', DRAIN_MS: '200', ...env },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const lines = new Arrivals<string>();
  createInterface({ input: shell.stdio[3] as Readable }).on('line', (line) => lines.add(line));
  const numberAfter = async (word: string, patienceMs: number): Promise<number> =>
    Number((await lines.first((line) => line.startsWith(`${word} `), patienceMs)).split(' ')[1]);
  const pids = [await numberAfter('pid', 60_000), await numberAfter('reader', 60_000)];
  const closed = once(shell, 'close');
  t.after(async () => {
    for (const pid of pids) killIfThere(pid);
    await closed;
  });
  const serves = JSON.parse(await lines.first((line) => line.startsWith('{'), 60_000)) as LogLine;
  const publicUrl = String(serves['publicUrl']);
  return { wsUrl: publicUrl.replace('http', 'ws'), controlUrl: publicUrl, pid: pids[0] ?? 0, code: numberAfter('code', 60_000) };
};

/** A terminal whose user has pressed Ctrl-S: `script` makes one, and is not read. */
const byTerminal: Start = async (t, env) => {
  const terminal = spawn('script', ['-qec', `"${process.execPath}" "${MAIN}"`, '/dev/null'], {
    cwd: '/',
    env: { ...AROUND, HOST: '127.0.0.1', PORT: '0', DRAIN_MS: '200', LOG_FORMAT: 'json', ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const lines = new Arrivals<string>();
  createInterface({ input: terminal.stdout }).on('line', (line) => lines.add(line));
  const closed = once(terminal, 'close');
  const serves = JSON.parse(await lines.first((line) => line.includes('wsaas serves'), 60_000)) as LogLine;
  const pid = Number(serves['pid']);
  t.after(async () => {
    killIfThere(pid);
    terminal.kill('SIGKILL');
    terminal.stdout.destroy();
    await closed;
  });
  terminal.stdout.pause();
  const publicUrl = String(serves['publicUrl']);
  return { wsUrl: publicUrl.replace('http', 'ws'), controlUrl: publicUrl, pid, code: gone(pid).then(() => 0) };
};

async function gone(pid: number): Promise<void> {
  while (await isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Whoever started it may hang, and not take note of its end. */
async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'x) Z');
  return !/\) Z/.test(status);
}

/** Is a line lost already? Each connection may reach another worker. */
async function losesLines(controlUrl: string): Promise<boolean> {
  const { body } = await ask(`${controlUrl}/readyz`);
  return (JSON.parse(body) as { degraded: string[] }).degraded.some((problem) => problem.startsWith('log'));
}

const CLIENTS = 6;
const CHATTER = 50;

const SOCKET = ['a socket', bySocket, 'SIGTERM'] as const;
const PIPE = ['a pipe', byPipe, 'SIGINT'] as const;
const TERMINAL = ['a terminal', byTerminal, 'SIGTERM'] as const;

/** A worker's log goes to the same place as that of one process. */
const CASES = {
  '1': { killed: [SOCKET, PIPE], stalled: [SOCKET, PIPE, TERMINAL] },
  '2': { killed: [PIPE], stalled: [SOCKET, TERMINAL] },
} as const;

for (const [workers, readers] of Object.entries(CASES)) {
  suite(`a log reader that is gone or stalled; processes that serve: ${workers}`, () => {
    for (const reader of ['killed', 'stalled'] as const) {
      for (const [kind, start, signal] of readers[reader]) {
        if (start === byTerminal && findProgram(['script']) === null) continue;
        test(`${reader}, behind ${kind}: clients are served, ${signal} says goodbye, tells every close and ends`, async (t) => {
          const backend = await startBackend(
            t,
            onMessage(() => ({ status: 400 })), // each is logged
          );
          const scene = await start(t, { API_URI: backend.url, WORKERS: workers, LOG_BUFFER_BYTES: '1000' }, reader);
          const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect(t, scene.wsUrl)));
          for (let sent = CHATTER; !(await losesLines(scene.controlUrl)); sent += CHATTER) {
            for (const { ws } of clients) for (let count = 0; count < CHATTER; count += 1) ws.send('x');
            await backend.calls.atLeast(CLIENTS * sent, isEvent('message'));
          }
          signalTo(scene.pid, signal);
          for (const { ended } of clients) assert.equal((await ended).code, 1001);
          assert.equal(await scene.code, 0);
          const told = backend.calls.all.filter(isEvent('close')).map(({ headers }) => headers['ws-connection']);
          assert.equal(new Set(told).size, CLIENTS);
        });
      }
    }
  });
}
