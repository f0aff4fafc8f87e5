import type { Clock, Log, Receiver, Timer } from '../../../core/ports.ts';
import type { BackendFailure } from '../../../wire/calls.ts';
import type { FunctionResult } from '../../../wire/functions.ts';
import { MAX_ANSWER_BYTES } from './answer.ts';
import { encodeFrame, FrameReader, type Frame } from './frames.ts';
import { logOutput } from './output.ts';
import { killProcesses, type Spawned, spawnRuntime } from './process.ts';
import { type Load, readSaid } from './words.ts';

/** What is wrong with a module shows within this time, as on AWS. */
const LOAD_TIMEOUT_MS = 10_000;
/** An instance that is told to end, and is not gone by then, is killed. */
const END_TIMEOUT_MS = 500;
/** A process has ended: what it said last is read for so long. */
const LAST_WORDS_MS = 100;

export type Threw = Extract<FunctionResult, { readonly type: 'threw' }>;
/** Why an instance never became ready: what its module did, or that there could be no process. */
export type StartFailure = Threw | BackendFailure;

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
  hasEnded(instance: Instance, failure: StartFailure | null): void;
}

export type Job = {
  readonly requestId: string;
  readonly payload: string;
  /** What its function is told that it may take. */
  readonly timeoutMs: number;
  /** After so long the instance is killed, and the call is one that failed. */
  readonly killedAfterMs: number;
  readonly receiver: Receiver<FunctionResult>;
};

/** One process with one handler in it, which runs one call at a time. */
export class Instance {
  readonly #options: InstanceOptions;
  readonly #owner: InstanceOwner;
  readonly #spawned: Spawned;
  readonly #reader = new FrameReader(MAX_ANSWER_BYTES);
  #state: 'starting' | 'free' | 'busy' | 'ending' = 'starting';
  #job: Job | null = null;
  #timer: Timer;
  #wasFree = false;
  #failure: StartFailure | null = null;
  #isClosed = false;
  /** How its process ended; null: it lives. */
  #exit: string | null = null;

  /** Throws where no process can be had. */
  constructor(options: InstanceOptions, owner: InstanceOwner) {
    const { load, env, directory, clock } = options;
    this.#options = options;
    this.#owner = owner;
    this.#spawned = spawnRuntime({ directory, env, memoryMb: load.memoryMb });
    this.#timer = clock.after(LOAD_TIMEOUT_MS, () =>
      this.kill(threw('Runtime.InitError', `the module did not load within ${LOAD_TIMEOUT_MS} ms`)),
    );
    this.#listen();
    this.#spawned.channel.write(encodeFrame(load));
  }

  get pid(): number | undefined {
    return this.#spawned.process.pid;
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
    const { requestId, payload, timeoutMs, killedAfterMs } = job;
    this.#timer = this.#options.clock.after(killedAfterMs, () =>
      this.kill(threw('Sandbox.Timedout', `RequestId: ${requestId} Error: Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`)),
    );
    this.#spawned.channel.write(encodeFrame({ type: 'invoke', requestId, timeoutMs }, payload));
  }

  /** Lets it go, where it is free. */
  end(): void {
    this.#state = 'ending';
    this.#spawned.channel.end();
    this.#endSoon();
  }

  /** Ends it now, and its call with this. */
  kill(because: Threw): void {
    if (this.#state === 'starting') this.#failure = because;
    this.#state = 'ending';
    this.#settle(because);
    killProcesses(this.#spawned.process);
  }

  #listen(): void {
    const { log, clock, load, directory } = this.#options;
    const output = { log, clock, functionName: load.functionName, requestId: () => this.#job?.requestId ?? null };
    const { process, channel, stdout, stderr } = this.#spawned;
    process.on('error', (error) => this.#notStarted(`no process can be started in ${directory}: ${error.message}`));
    process.on('exit', (code, signal) => this.#exited(exitOf(code, signal)));
    logOutput(stdout, 'info', output);
    logOutput(stderr, 'warn', output);
    channel.on('data', (chunk: Buffer) => this.#heard(chunk));
    channel.on('error', () => {});
    channel.on('close', () => this.#closed());
  }

  #heard(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.read(chunk)) this.#said(frame);
    } catch {
      this.kill(threw('Runtime.ChannelError', 'the process wrote to the channel of its runtime (file descriptor 3)'));
      this.#spawned.channel.destroy();
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
    this.#timer = this.#options.clock.after(END_TIMEOUT_MS, () => killProcesses(this.#spawned.process));
  }

  #closed(): void {
    this.#isClosed = true;
    if (this.#exit !== null) this.#gone(this.#exit);
    else if (this.#state !== 'ending') killProcesses(this.#spawned.process); // it lives and has closed its channel
  }

  #notStarted(detail: string): void {
    if (this.#spawned.process.pid !== undefined) return; // of a process that lives it says that a signal could not be sent
    this.#failure = cannotStart(detail);
    this.#exited(detail);
  }

  /** What it said last may still be on its way. */
  #exited(how: string): void {
    if (this.#exit !== null) return;
    this.#exit = how;
    killProcesses(this.#spawned.process);
    if (this.#isClosed) this.#gone(how);
    else this.#options.clock.after(LAST_WORDS_MS, () => this.#spawned.channel.destroy());
  }

  #gone(how: string): void {
    this.#state = 'ending';
    this.#settle(threw('Runtime.ExitError', how));
    this.#owner.hasEnded(this, this.#wasFree ? null : (this.#failure ?? threw('Runtime.ExitError', how)));
  }
}

/** There is no process, so that nothing can have run. */
export function cannotStart(detail: string): BackendFailure {
  return { type: 'failure', reason: 'unreachable', wasSent: false, detail };
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
