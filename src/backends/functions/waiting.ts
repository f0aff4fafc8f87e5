import type { Clock, Receiver, Timer } from '../../core/ports.ts';
import type { BackendFailure } from '../../wire/calls.ts';
import type { FunctionCall, FunctionResult } from '../../wire/functions.ts';

/** A call from the moment that it is handed over: has one result, at the latest when its time is over. */
export class Waiting implements Receiver<FunctionResult> {
  readonly call: FunctionCall;
  readonly waitUntil: number;
  readonly #receiver: Receiver<FunctionResult>;
  readonly #timer: Timer;
  #state: 'waiting' | 'running' | 'over' = 'waiting';

  /** `expired`: its time is over, and it is settled next. */
  constructor(call: FunctionCall, { receiver, clock, waitUntil, expired }: WaitingOptions) {
    this.call = call;
    this.waitUntil = waitUntil;
    this.#receiver = receiver;
    this.#timer = clock.after(call.timeoutMs, () => {
      expired(this);
      this.settled({
        type: 'failure',
        reason: 'timeout',
        wasSent: this.#state === 'running',
        detail: 'the function did not answer in time',
      });
    });
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  begins(): void {
    this.#state = 'running';
  }

  /** It turned out that nobody had taken it. */
  waitsAgain(): void {
    if (this.#state === 'running') this.#state = 'waiting';
  }

  /** What comes later is nobody's. */
  settled(result: FunctionResult): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#timer.cancel();
    this.#receiver.settled(this.#isTooLong(result) ? tooLong(this.call) : result);
  }

  #isTooLong(result: FunctionResult): boolean {
    return result.type === 'returned' && result.payload.length > this.call.maxAnswerBytes;
  }

  /** Not from inside the call that it was handed over by. */
  settleSoon(result: FunctionResult): void {
    process.nextTick(() => this.settled(result));
  }

  stop(): void {
    this.settled({ ...STOPPED, wasSent: this.#state === 'running' });
  }
}

function tooLong({ maxAnswerBytes }: FunctionCall): BackendFailure {
  return { type: 'failure', reason: 'too-long', wasSent: true, detail: `the function returned more than ${maxAnswerBytes} bytes` };
}

/** What a call gets that comes too late. */
export const STOPPED: BackendFailure = { type: 'failure', reason: 'stopped', wasSent: false, detail: 'the gateway stops' };

/** What a call gets where so many wait already; it may come again. */
export function tooMany(count: number, forWhat: string): BackendFailure {
  return { type: 'failure', reason: 'unreachable', wasSent: false, detail: `${count} calls wait for ${forWhat} already` };
}

export type WaitingOptions = {
  readonly receiver: Receiver<FunctionResult>;
  readonly clock: Clock;
  /** As `FunctionTarget.invoke` has it. */
  readonly waitUntil: number;
  readonly expired: (waiting: Waiting) => void;
};
