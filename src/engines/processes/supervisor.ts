import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import type { Logger } from 'pino';
import { IpcRelay } from './relay.ts';
import { linkTo } from './link.ts';
import { IpcKeeper } from './keeper.ts';
import { machineTimeMs } from './machine-time.ts';
import { isNotice, type Facts, type NoticeToWorker } from './notices.ts';
import { reservePort } from './reserved-port.ts';
import { Vigil } from './vigil.ts';

/** Tells a worker its number. */
export const WORKER_VARIABLE = 'WSAAS_WORKER';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** A worker that lived this long was no victim of its start. */
const STEADY_MS = 10_000;
/** Without a beat for this long, a worker hangs. */
const SILENCE_MS = 20_000;
const LOOKS_PER_SILENCE = 20;

export type SupervisorOptions = {
  /** How many. */
  readonly workers: number;
  /** Where workers listen; 0 is replaced by a free port that all of them share. */
  readonly host: string;
  readonly port: number;
  readonly controlHost: string;
  readonly controlPort: number | undefined;
  /** A worker that drains for longer is killed. */
  readonly drainLimitMs: number;
  readonly node: string;
  readonly logger: Logger;
  /** Resolves when nothing holds up the end of this process any more. */
  readonly beforeExit: () => Promise<void>;
  /** Called after each fork, which changes what parent and child share. */
  readonly forked: () => void;
  /** Called when it obeys what ends it, with what a SIGHUP asks for. */
  readonly obeys: (reload: () => void) => void;
  /** What to fork, and its environment. */
  readonly program: string;
  /** Flags of the program, which each worker obeys for itself. */
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** After this much silence a worker is killed. Default: 20 s. */
  readonly silenceMs?: number;
};

/** The workers cannot start: what one of them said. */
export class WorkersFailed extends Error {
  readonly exitCode: number;

  constructor(problem: string, exitCode: number) {
    super(problem);
    this.name = 'WorkersFailed';
    this.exitCode = exitCode;
  }
}

/**
 * Runs WORKERS processes that share the port. They listen at the same time, once all are prepared. One that dies is
 * replaced, and its connections' ends are told at once; one that hangs is killed. Throws a WorkersFailed.
 */
export async function supervise(options: SupervisorOptions): Promise<void> {
  const { workers: wanted, node, logger, program, argv, env, drainLimitMs, silenceMs = SILENCE_MS } = options;
  const relay = new IpcRelay();
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
  const prepared = new Set<number>();
  let state: 'starting' | 'complete' | 'stopping' = 'starting';
  const lookEveryMs = silenceMs / LOOKS_PER_SILENCE;
  const vigil = new Vigil({ silenceMs, lookEveryMs, now: machineTimeMs() });
  setInterval(() => {
    for (const number of vigil.look(machineTimeMs())) killHung(number);
  }, lookEveryMs).unref();

  function killHung(number: number): void {
    const child = workers.get(number);
    logger.error({ worker: number, pid: child?.pid, silenceMs }, 'a worker hangs and is killed');
    child?.kill('SIGKILL');
  }

  /** Throws where there is no process more to be had, or no program any more. */
  async function forkWorker(number: number): Promise<ChildProcess> {
    try {
      const child = fork(program, argv, { serialization: 'advanced', env: { ...environment, [WORKER_VARIABLE]: String(number) } });
      if (child.pid === undefined) throw ((await once(child, 'error')) as [Error])[0];
      options.forked();
      return child;
    } catch (error) {
      throw new WorkersFailed(`worker ${number} could not be started: ${(error as Error).message}`, 1);
    }
  }

  /** Resolves with what the worker says when it serves. */
  function start(number: number, child: ChildProcess, pauseMs: number): Promise<Facts> {
    const startedAt = Date.now();
    let hasServed = false;
    workers.set(number, child);
    vigil.began(number);
    const link = linkTo(child);
    const leaves = [relay.add(`worker ${number}`, link), keeper.add(link)];
    child.once('exit', (code, signal) => {
      for (const leave of leaves) leave();
      workers.delete(number);
      vigil.forget(number);
      if (state === 'stopping' || !(hasServed || state === 'complete')) return;
      logger.error({ worker: number, pid: child.pid, code, signal }, 'a worker died, another takes its place');
      relay.announceDeath();
      void replace(number, Date.now() - startedAt > STEADY_MS ? FIRST_PAUSE_MS : longer(pauseMs));
    });
    return new Promise((resolve, reject) => {
      child.once('exit', (code, signal) => reject(new WorkersFailed(`worker ${number} ended with ${code ?? signal} before it served`, 1)));
      link.onMessage((message) => {
        if (!isNotice(message)) return;
        switch (message.notice) {
          case 'beat':
            if (workers.get(number) === child) vigil.heard(number);
            break;
          case 'prepared':
            if (state === 'stopping') tell({ notice: 'drain' }, [child]); // the first may have come before it could listen
            else if (state === 'complete') tell({ notice: 'listen' }, [child]);
            else if (prepared.add(number).size === wanted) tell({ notice: 'listen' });
            break;
          case 'ready':
            if (state === 'stopping') tell({ notice: 'drain' }, [child]);
            if (state === 'complete') tell({ notice: 'complete' }, [child]);
            hasServed = true;
            resolve(message.facts);
            break;
          case 'failed':
            reject(new WorkersFailed(message.problem, message.exitCode));
            break;
          default: // what a supervisor says
        }
      });
    });
  }

  function tell(notice: NoticeToWorker, children: Iterable<ChildProcess> = workers.values()): void {
    for (const child of children) if (child.connected) child.send(notice);
  }

  async function replace(number: number, pauseMs: number): Promise<void> {
    await sleep(pauseMs);
    if (state === 'stopping') return;
    let child: ChildProcess | null = null;
    try {
      child = await forkWorker(number);
      logger.info({ worker: number, ...(await start(number, child, pauseMs)) }, 'a worker was replaced');
    } catch (error) {
      logger.error({ worker: number, problem: String(error) }, 'a worker could not be replaced, it is tried again');
      if (child === null) void replace(number, longer(pauseMs)); // else its exit is heard
    }
  }

  async function stop(signal: string): Promise<void> {
    state = 'stopping';
    logger.info({ signal, workers: workers.size }, 'draining all workers');
    const children = [...workers.values()];
    tell({ notice: 'drain' });
    const all = Promise.all(
      children.filter((child) => child.exitCode === null && child.signalCode === null).map((child) => once(child, 'exit')),
    );
    const inTime = await Promise.race([all.then(() => true), sleep(drainLimitMs, false, { ref: false })]);
    if (!inTime) logger.error({ limitMs: drainLimitMs }, 'workers did not end in time and are killed');
    for (const child of workers.values()) child.kill('SIGKILL');
    logger.info({}, 'drained all workers');
    await options.beforeExit();
  }

  process.on('exit', () => {
    for (const child of workers.values()) child.kill('SIGKILL'); // a second signal ends at once
  });
  closeWithGrace({ delay: false, logger: false, skip: ['SIGHUP', 'SIGUSR2'] }, async ({ err, signal }) => {
    if (err) logger.fatal({ err }, 'a fault of the supervisor, it ends');
    await stop(signal ?? 'fault');
  });
  options.obeys(() => tell({ notice: 'reload' }));
  const starts = Promise.all(
    Array.from({ length: wanted }, async (_none, index) => start(index + 1, await forkWorker(index + 1), FIRST_PAUSE_MS)),
  );
  const facts = await starts.catch((error: unknown) => {
    if (state === 'stopping') return null; // `stop` ends the process
    state = 'stopping';
    throw error;
  });
  if (facts === null) return;
  if (state === 'starting') state = 'complete';
  tell({ notice: 'complete' });
  for (const one of reserved) one?.release();
  logger.info(
    { ...facts[0], pid: process.pid, workers: wanted, workerPids: [...workers.values()].map((child) => child.pid) },
    'wsaas serves',
  );
}

function longer(pauseMs: number): number {
  return Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
}
