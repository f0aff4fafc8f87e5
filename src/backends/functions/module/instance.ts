import { type ChildProcess, spawn } from 'node:child_process';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { type Duplex, PassThrough } from 'node:stream';
import type { Clock, Log, Receiver, Timer } from '../../../core/ports.ts';
import type { FunctionResult } from '../../../wire/functions.ts';
import { MAX_ANSWER_BYTES } from './answer.ts';
import { encodeFrame, FrameReader, type Frame } from './frames.ts';
import { logOutput } from './output.ts';
import { type Load, readSaid } from './words.ts';

/** Its own file in the sources and in the package, in which this one lies somewhere else. */
const RUNTIME = import.meta.filename.endsWith('.ts')
  ? join(import.meta.dirname, 'runtime.ts')
  : join(dirname(findPackageJSON(import.meta.url) ?? ''), 'dist/backends/functions/module/runtime.js');
/** What is wrong with a module shows within this time, as on AWS. */
const LOAD_TIMEOUT_MS = 10_000;
/** An instance that is told to end, and is not gone by then, is killed. */
const END_TIMEOUT_MS = 500;
/** A process has ended: what it said last is read for so long. */
const LAST_WORDS_MS = 100;
/** Of a function's memory so much may be objects; the rest is for code, buffers and the runtime. */
const HEAP_SHARE = 0.75;

export type Threw = Extract<FunctionResult, { readonly type: 'threw' }>;

export type InstanceOptions = {
  readonly load: Load;
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
};

/** Who has an instance; not called from inside its methods. */
export interface InstanceOwner {
  /** It waits for a call: the first time, or after one, and may be given one at once. */
  isFree(instance: Instance): void;
  /** Its process is gone, and its call settled. `failure`: why it never became ready, else null. */
  hasEnded(instance: Instance, failure: Threw | null): void;
}

export type Job = {
  readonly requestId: string;
  readonly payload: string;
  /** After so long the instance is killed. */
  readonly timeoutMs: number;
  readonly receiver: Receiver<FunctionResult>;
};

/** One process with one handler in it, which runs one call at a time. */
export class Instance {
  readonly #options: InstanceOptions;
  readonly #owner: InstanceOwner;
  readonly #process: ChildProcess;
  readonly #channel: Duplex;
  readonly #reader = new FrameReader(MAX_ANSWER_BYTES);
  #state: 'starting' | 'free' | 'busy' | 'ending' = 'starting';
  #job: Job | null = null;
  #timer: Timer;
  #wasFree = false;
  #failure: Threw | null = null;
  #isClosed = false;
  /** How its process ended; null: it lives. */
  #exit: string | null = null;

  constructor(options: InstanceOptions, owner: InstanceOwner) {
    const { load, env, directory, clock } = options;
    this.#options = options;
    this.#owner = owner;
    const flags = [`--max-old-space-size=${Math.floor(load.memoryMb * HEAP_SHARE)}`, '--enable-source-maps'];
    this.#process = spawn(process.execPath, [...flags, RUNTIME], {
      cwd: directory,
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: process.platform !== 'win32', // a group of its own, so that what it has started is killed with it
      windowsHide: true,
    });
    this.#channel = ((this.#process.stdio as readonly unknown[] | undefined)?.[3] as Duplex | undefined) ?? new PassThrough(); // without file descriptors there is none
    this.#timer = clock.after(LOAD_TIMEOUT_MS, () =>
      this.kill(threw('Runtime.InitError', `the module did not load within ${LOAD_TIMEOUT_MS} ms`)),
    );
    this.#listen();
    this.#channel.write(encodeFrame(load));
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get isStarting(): boolean {
    return this.#state === 'starting';
  }

  get isBusy(): boolean {
    return this.#state === 'busy';
  }

  /** It takes no call any more. */
  get isGone(): boolean {
    return this.#state === 'ending';
  }

  /** Only where it is free. */
  run(job: Job): void {
    this.#state = 'busy';
    this.#job = job;
    const { requestId, payload, timeoutMs } = job;
    this.#timer = this.#options.clock.after(timeoutMs, () =>
      this.kill(threw('Sandbox.Timedout', `RequestId: ${requestId} Error: Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`)),
    );
    this.#channel.write(encodeFrame({ type: 'invoke', requestId, timeoutMs }, payload));
  }

  /** Lets it go, where it is free. */
  end(): void {
    this.#state = 'ending';
    this.#channel.end();
    this.#endSoon();
  }

  /** Ends it now, and its call with this. */
  kill(because: Threw): void {
    if (this.#state === 'starting') this.#failure = because;
    this.#state = 'ending';
    this.#settle(because);
    this.#killProcesses();
  }

  #listen(): void {
    const { log, clock, load } = this.#options;
    const output = { log, clock, functionName: load.functionName, requestId: () => this.#job?.requestId ?? null };
    const { stdout, stderr } = this.#process;
    if (stdout !== null) logOutput(stdout, 'info', output);
    if (stderr !== null) logOutput(stderr, 'warn', output);
    this.#channel.on('data', (chunk: Buffer) => this.#heard(chunk));
    this.#channel.on('error', () => {});
    this.#channel.on('close', () => this.#closed());
    this.#process.on('error', (error) => this.#exited(`it could not be started: ${error.message}`));
    this.#process.on('exit', (code, signal) => this.#exited(exitOf(code, signal)));
  }

  #heard(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.read(chunk)) this.#said(frame);
    } catch {
      this.kill(threw('Runtime.ChannelError', 'the process wrote to the channel of its runtime (file descriptor 3)'));
      this.#channel.destroy();
    }
  }

  #said({ header, payload }: Frame): void {
    if (this.#state === 'ending') return;
    const said = readSaid(header);
    const isOfStart = said?.type === 'ready' || said?.type === 'failed';
    if (said === null || (isOfStart ? 'starting' : 'busy') !== this.#state) throw new Error('no word of the protocol');
    switch (said.type) {
      case 'ready':
        this.#becomeFree();
        break;
      case 'returned':
        this.#answered({ type: 'returned', payload });
        break;
      case 'threw':
        this.#answered(threw(said.errorType, said.message));
        break;
      case 'failed':
        this.#failure = threw(said.errorType, said.message);
        this.#state = 'ending';
        this.#endSoon();
        break;
      case 'died':
        this.#settle(threw(said.errorType, said.message));
        this.#state = 'ending';
        this.#endSoon();
    }
  }

  /** Free first: who hears the answer may have the next call. */
  #answered(result: FunctionResult): void {
    const job = this.#job;
    this.#job = null;
    this.#becomeFree();
    job?.receiver.settled(result);
  }

  #becomeFree(): void {
    this.#timer.cancel();
    this.#state = 'free';
    this.#wasFree = true;
    this.#owner.isFree(this);
  }

  #settle(result: FunctionResult): void {
    const job = this.#job;
    this.#job = null;
    this.#timer.cancel();
    job?.receiver.settled(result);
  }

  /** It ends by itself, or is killed. */
  #endSoon(): void {
    this.#timer.cancel();
    this.#timer = this.#options.clock.after(END_TIMEOUT_MS, () => this.#killProcesses());
  }

  #closed(): void {
    this.#isClosed = true;
    if (this.#exit !== null) this.#gone(this.#exit);
    else if (this.#state !== 'ending') this.#killProcesses(); // it lives and has closed its channel
  }

  /** What it said last may still be on its way. */
  #exited(how: string): void {
    if (this.#exit !== null) return;
    this.#exit = how;
    this.#killProcesses();
    if (this.#isClosed) this.#gone(how);
    else this.#options.clock.after(LAST_WORDS_MS, () => this.#channel.destroy());
  }

  #gone(how: string): void {
    this.#state = 'ending';
    this.#settle(threw('Runtime.ExitError', how));
    this.#owner.hasEnded(this, this.#wasFree ? null : (this.#failure ?? threw('Runtime.ExitError', how)));
  }

  #killProcesses(): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      this.#process.kill('SIGKILL'); // no groups on this system, or none of it lives
    }
  }
}

function threw(errorType: string, message: string): Threw {
  return { type: 'threw', errorType, message };
}

/** In the words of AWS. */
function exitOf(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null)
    return `Runtime exited with error: signal: ${signal === 'SIGKILL' ? 'killed' : signal === 'SIGABRT' ? 'aborted' : signal}`;
  return code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: exit status ${code}`;
}
