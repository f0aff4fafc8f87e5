import type { Clock, Receiver, Timer } from '../../../core/ports.ts';
import type { FunctionCall, FunctionResult } from '../../../wire/functions.ts';

/** A call from the moment that it is handed over: has one result, at the latest when its time is over. */
export class Waiting implements Receiver<FunctionResult> {
  readonly call: FunctionCall;
  readonly #receiver: Receiver<FunctionResult>;
  readonly #timer: Timer;
  #state: 'waiting' | 'running' | 'over' = 'waiting';

  /** `expired`: its time is over; it is settled already. */
  constructor(call: FunctionCall, { receiver, clock, expired }: WaitingOptions) {
    this.call = call;
    this.#receiver = receiver;
    this.#timer = clock.after(call.timeoutMs, () => {
      this.settled({
        type: 'failure',
        reason: 'timeout',
        wasSent: this.#state === 'running',
        detail: 'the function did not answer in time',
      });
      expired(this);
    });
  }

  begins(): void {
    this.#state = 'running';
  }

  /** What comes later is nobody's. */
  settled(result: FunctionResult): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#timer.cancel();
    this.#receiver.settled(result);
  }

  /** Not from inside the call that it was handed over by. */
  settleSoon(result: FunctionResult): void {
    process.nextTick(() => this.settled(result));
  }

  stop(): void {
    this.settled({ type: 'failure', reason: 'stopped', wasSent: this.#state === 'running', detail: 'the gateway stops' });
  }
}

export type WaitingOptions = {
  readonly receiver: Receiver<FunctionResult>;
  readonly clock: Clock;
  readonly expired: (waiting: Waiting) => void;
};
