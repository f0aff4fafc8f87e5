import type { Clock, Log, Receiver, Timer } from '../../../core/ports.ts';
import type { FunctionCall, FunctionResult, FunctionTarget } from '../../../wire/functions.ts';
import { environmentOf } from './environment.ts';
import { cannotStart, Instance, type InstanceOwner, type StartFailure, type Threw } from './instance.ts';
import { MemoryWatch } from './memory-watch.ts';
import { STOPPED, tooMany, Waiting } from '../waiting.ts';

export type ModuleOptions = {
  /** Absolute path of the handler's file; its extension may be left out. */
  readonly file: string;
  /** Its name among the file's exports, with dots where it lies deeper. */
  readonly export: string;
  readonly functionName: string;
  /** Where its processes run. */
  readonly directory: string;
  /** The function's own time-out: who runs longer is killed. Null: that of each call. */
  readonly timeoutMs: number | null;
  /** Who needs more is killed. */
  readonly memoryMb: number;
  /** Processes at once, each with one call at a time. */
  readonly maxInstances: number;
  /** Calls that wait for one. */
  readonly maxWaiting: number;
  /** An instance that had no call for so long ends. */
  readonly idleMs: number;
  readonly env: Readonly<Record<string, string>>;
  /** The gateway's variables; `environmentOf` says which of them a handler gets. */
  readonly inherited: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
};

export const MODULE_DEFAULTS = { timeoutMs: null, memoryMb: 512, maxInstances: 8, maxWaiting: 1_000, idleMs: 60_000 } as const;

/** A module that cannot be loaded is tried again after so long, twice as long after each failure; calls meanwhile get the reason at once. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/** Longer than a busy machine lets one of two timers ring after the other. */
const CALL_GOES_FIRST_MS = 100;

/** Why no instance is started before a time (of `Clock.now`). */
type Broken = { readonly failure: StartFailure; readonly until: number; readonly pauseMs: number };

/**
 * A handler of the user's in processes of its own, so that one which blocks, exits or eats memory costs its call and
 * nobody else (docs/decisions/0008-handlers-in-processes.md). As on Lambda each instance runs one call at a time.
 */
export class ModuleTarget implements FunctionTarget, InstanceOwner {
  readonly #options: ModuleOptions;
  readonly #memory: MemoryWatch;
  /** In order. */
  readonly #waiting = new Set<Waiting>();
  readonly #running = new Map<Instance, Waiting>();
  /** Whose process lives, with the number of the code that it has. */
  readonly #instances = new Map<Instance, number>();
  /** Last the one that ran last, which is the first to run again: the others may end. */
  readonly #free: { readonly instance: Instance; readonly since: number }[] = [];
  #generation = 0;
  #broken: Broken | null = null;
  #idleTimer: Timer | null = null;
  #startTimer: Timer | null = null;
  #isStopped = false;
  #nothingLives: () => void = () => {};

  constructor(options: ModuleOptions) {
    const { clock, memoryMb: limitMb } = options;
    this.#options = options;
    this.#memory = new MemoryWatch({ clock, limitMb, exceeded: (instance) => this.#tooLarge(instance) });
  }

  invoke(call: FunctionCall, receiver: Receiver<FunctionResult>, waitUntil: number): void {
    const expired = (one: Waiting): void => void this.#waiting.delete(one);
    const waiting = new Waiting(call, { receiver, clock: this.#options.clock, waitUntil, expired });
    const refusal = this.#refusal();
    if (refusal !== null) waiting.settleSoon(refusal);
    else this.#place(waiting);
  }

  /** What is called from now on runs the code as it is now; what runs ends as it began. */
  reload(): void {
    this.#generation += 1;
    this.#broken = null;
    for (const { instance } of this.#free.splice(0)) instance.end();
    this.#startWanted();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of [this.#idleTimer, this.#startTimer]) timer?.cancel();
    this.#memory.stop();
    for (const waiting of [...this.#waiting, ...this.#running.values()]) waiting.stop();
    this.#waiting.clear();
    const free = new Set(this.#free.splice(0).map(({ instance }) => instance));
    for (const instance of this.#instances.keys()) {
      if (free.has(instance)) instance.end();
      else instance.kill(ENDED);
    }
    if (this.#instances.size === 0) return;
    await new Promise<void>((resolve) => {
      const before = this.#nothingLives;
      this.#nothingLives = () => {
        before();
        resolve();
      };
    });
  }

  isFree(instance: Instance): void {
    this.#running.delete(instance);
    if (this.#instances.get(instance) !== this.#generation) {
      instance.end();
      return;
    }
    this.#broken = null;
    const [next] = this.#waiting;
    if (next !== undefined) {
      this.#waiting.delete(next);
      this.#run(next, instance);
      return;
    }
    this.#free.push({ instance, since: this.#options.clock.now() });
    this.#idleTimer ??= this.#options.clock.after(this.#options.idleMs, () => this.#endIdle());
  }

  hasEnded(instance: Instance, failure: StartFailure | null): void {
    const isCurrent = this.#instances.get(instance) === this.#generation;
    this.#instances.delete(instance);
    this.#running.delete(instance);
    this.#leave(instance);
    if (failure !== null && isCurrent && !this.#isStopped) this.#couldNotStart(failure);
    if (this.#instances.size === 0) this.#nothingLives();
    this.#startWanted();
  }

  /** Why no call is taken now. */
  #refusal(): FunctionResult | null {
    if (this.#isStopped) return STOPPED;
    if (this.#broken !== null && this.#instances.size === 0 && this.#broken.until > this.#options.clock.now()) return this.#broken.failure;
    const { functionName, maxWaiting } = this.#options;
    return this.#waiting.size < maxWaiting ? null : tooMany(maxWaiting, `function ${functionName}`);
  }

  #place(waiting: Waiting): void {
    const last = this.#free.pop();
    if (last !== undefined) {
      this.#run(waiting, last.instance);
      return;
    }
    this.#waiting.add(waiting);
    this.#startWanted();
  }

  #run(waiting: Waiting, instance: Instance): void {
    const { requestId, payload, timeoutMs } = waiting.call;
    this.#running.set(instance, waiting);
    this.#memory.add(instance);
    waiting.begins();
    const mayTakeMs = this.#options.timeoutMs ?? timeoutMs;
    // where the call's time is the function's, the call hears of a time-out: of two timers that end together either may ring first
    const killedAfterMs = mayTakeMs + (this.#options.timeoutMs === null ? CALL_GOES_FIRST_MS : 0);
    instance.run({ requestId, payload, timeoutMs: mayTakeMs, killedAfterMs, receiver: waiting });
  }

  /** One instance for each call that waits, as far as there may be so many. */
  #startWanted(): void {
    if (this.#isStopped || this.#waiting.size === 0) return;
    const pauseMs = (this.#broken?.until ?? 0) - this.#options.clock.now();
    if (pauseMs > 0) {
      this.#startTimer ??= this.#options.clock.after(pauseMs, () => {
        this.#startTimer = null;
        this.#startWanted();
      });
      return;
    }
    let starting = [...this.#instances].filter(([{ isStarting }, generation]) => isStarting && generation === this.#generation).length;
    for (; starting < this.#waiting.size && this.#instances.size < this.#options.maxInstances; starting += 1) if (!this.#start()) return;
  }

  #start(): boolean {
    try {
      this.#instances.set(new Instance(this.#instanceOptions(), this), this.#generation);
      return true;
    } catch (error) {
      const failure = cannotStart(`no process can be started: ${error instanceof Error ? error.message : String(error)}`);
      process.nextTick(() => {
        this.#couldNotStart(failure);
        this.#startWanted();
      });
      return false;
    }
  }

  #instanceOptions(): ConstructorParameters<typeof Instance>[0] {
    const { file, functionName, directory, memoryMb, env, inherited, clock, log } = this.#options;
    const environment = environmentOf({
      env,
      inherited,
      functionName,
      handler: `${file}.${this.#options.export}`,
      root: directory,
      memoryMb,
    });
    const region = environment['AWS_REGION'] ?? '';
    return {
      load: { type: 'load', file, export: this.#options.export, functionName, memoryMb, region },
      env: environment,
      directory,
      clock,
      log,
    };
  }

  /** Calls that wait hear of it at once where nobody else could take them. */
  #couldNotStart(failure: StartFailure): void {
    const { clock, log, functionName } = this.#options;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, (this.#broken?.pauseMs ?? FIRST_PAUSE_MS / 2) * 2);
    this.#broken = { failure, pauseMs, until: clock.now() + pauseMs };
    const because = failure.type === 'threw' ? `${failure.errorType}: ${failure.message}` : failure.detail;
    log.warn({ function: functionName, because, pauseMs }, 'a function cannot be loaded');
    if (this.#instances.size > 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const one of waiting) one.settled(failure);
  }

  #tooLarge(instance: Instance): void {
    const { memoryMb, log, functionName } = this.#options;
    log.warn({ function: functionName, memoryMb }, 'an instance has used up its memory and is ended');
    this.#leave(instance);
    instance.kill({
      type: 'threw',
      errorType: 'Runtime.OutOfMemory',
      message: `Runtime exited with error: more than ${memoryMb} MB of memory`,
    });
  }

  #endIdle(): void {
    const { clock, idleMs } = this.#options;
    const now = clock.now();
    while (this.#free[0] !== undefined && this.#free[0].since + idleMs <= now) this.#free.shift()?.instance.end();
    const [oldest] = this.#free;
    this.#idleTimer = oldest === undefined ? null : clock.after(oldest.since + idleMs - now, () => this.#endIdle());
  }

  #leave(instance: Instance): void {
    const at = this.#free.findIndex((one) => one.instance === instance);
    if (at >= 0) this.#free.splice(at, 1);
  }
}

const ENDED: Threw = { type: 'threw', errorType: 'Runtime.ExitError', message: 'the gateway stops' };
