import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import type { Logger } from 'pino';
import { IpcRelay } from './relay.ts';
import { linkTo } from './link.ts';
import { IpcKeeper } from './keeper.ts';

/** Tells a worker its number. */
export const WORKER_VARIABLE = 'WSAAS_WORKER';

/** What supervisor and worker say to each other beside bus and ledger. */
export type Notice =
  | { readonly notice: 'ready'; readonly facts: Readonly<Record<string, unknown>> }
  | { readonly notice: 'drain' | 'reload' };

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** A worker that lived this long was no victim of its start. */
const STEADY_MS = 10_000;

export type SupervisorOptions = {
  /** How many. */
  readonly workers: number;
  /** Where workers listen; 0 is replaced by a free port that all of them share. */
  readonly host: string;
  readonly port: number;
  readonly controlHost: string;
  readonly controlPort: number | undefined;
  /** Longest wait for a worker's answer to a command. */
  readonly busTimeoutMs: number;
  /** A worker that drains for longer is killed. */
  readonly drainLimitMs: number;
  readonly node: string;
  readonly logger: Logger;
  /** What to fork, and its environment. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
};

/** Runs WORKERS processes that share the port; one that dies is replaced, and its connections' ends are told at once. */
export async function supervise(options: SupervisorOptions): Promise<void> {
  const { workers: wanted, node, logger, program, env, drainLimitMs } = options;
  const relay = new IpcRelay({ timeoutMs: options.busTimeoutMs });
  const keeper = new IpcKeeper();
  const reserved = await Promise.all([
    reservePort(options.host, options.port),
    options.controlPort === undefined ? null : reservePort(options.controlHost, options.controlPort),
  ]);
  const [port, controlPort] = reserved.map((one) => one?.port);
  const environment = {
    ...env,
    NODE_NAME: node,
    PORT: String(port),
    ...(controlPort !== undefined && { CONTROL_PORT: String(controlPort) }),
  };
  const workers = new Map<number, ChildProcess>();
  let isStopping = false;

  /** Resolves with what the worker says when it serves. */
  function start(number: number, pauseMs: number): Promise<Readonly<Record<string, unknown>>> {
    const child = fork(program, { serialization: 'advanced', env: { ...environment, [WORKER_VARIABLE]: String(number) } });
    const startedAt = Date.now();
    workers.set(number, child);
    const link = linkTo(child);
    const leaves = [relay.add(`worker ${number}`, link), keeper.add(link)];
    child.once('exit', (code, signal) => {
      for (const leave of leaves) leave();
      workers.delete(number);
      if (isStopping) return;
      logger.error({ worker: number, pid: child.pid, code, signal }, 'a worker died, another takes its place');
      relay.announceDeath();
      const nextPauseMs = Date.now() - startedAt > STEADY_MS ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
      void replace(number, nextPauseMs);
    });
    return new Promise((resolve, reject) => {
      child.once('exit', (code, signal) => reject(new Error(`worker ${number} ended with ${code ?? signal} before it served`)));
      link.onMessage((message) => {
        if ((message as Partial<Notice>).notice !== 'ready') return;
        if (isStopping) child.send({ notice: 'drain' } satisfies Notice); // the first may have come before it could listen
        resolve((message as Extract<Notice, { notice: 'ready' }>).facts);
      });
    });
  }

  async function replace(number: number, pauseMs: number): Promise<void> {
    await sleep(pauseMs);
    if (isStopping) return;
    const facts = await start(number, pauseMs).catch((error: unknown) => ({ problem: String(error) }));
    logger.info({ worker: number, ...facts }, 'a worker was replaced');
  }

  async function stop(signal: string): Promise<void> {
    isStopping = true;
    logger.info({ signal, workers: workers.size }, 'draining all workers');
    const children = [...workers.values()];
    const drain: Notice = { notice: 'drain' };
    for (const child of children) if (child.connected) child.send(drain);
    const all = Promise.all(
      children.filter((child) => child.exitCode === null && child.signalCode === null).map((child) => once(child, 'exit')),
    );
    const inTime = await Promise.race([all.then(() => true), sleep(drainLimitMs, false, { ref: false })]);
    if (!inTime) logger.error({ limitMs: drainLimitMs }, 'workers did not end in time and are killed');
    for (const child of workers.values()) child.kill('SIGKILL');
    logger.info({}, 'drained all workers');
  }

  process.on('SIGHUP', () => {
    const reload: Notice = { notice: 'reload' };
    for (const child of workers.values()) if (child.connected) child.send(reload);
  });
  process.on('exit', () => {
    for (const child of workers.values()) child.kill('SIGKILL'); // a second signal ends at once
  });
  closeWithGrace({ delay: false, logger: false, skip: ['SIGHUP', 'SIGUSR2'] }, async ({ err, signal }) => {
    if (err) logger.fatal({ err }, 'a fault of the supervisor, it ends');
    await stop(signal ?? 'fault');
  });
  const facts = await Promise.all(Array.from({ length: wanted }, (_none, index) => start(index + 1, FIRST_PAUSE_MS)));
  for (const one of reserved) one?.release();
  logger.info(
    { ...facts[0], pid: process.pid, workers: wanted, workerPids: [...workers.values()].map((child) => child.pid) },
    'wsaas serves',
  );
}

type ReservedPort = { readonly port: number; readonly release: () => void };

/** A free port that all workers share, in place of 0. It is held, by SO_REUSEPORT as theirs are, until they listen: else another program may take it. */
async function reservePort(host: string, port: number): Promise<ReservedPort> {
  if (port !== 0) return { port, release: () => {} };
  const server = createServer((socket) => socket.destroy());
  server.listen({ port, host, reusePort: true });
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, release: () => void server.close() };
}
