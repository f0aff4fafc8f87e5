import type { BackendCall, BackendResult, Transport } from '../../wire/calls.ts';
import { Fifo } from '../../core/fifo.ts';
import type { Clock, Log, Receiver, Timer } from '../../core/ports.ts';

/** Failures in a row, without one success between, after which a backend counts as down. */
const FAILURES_TO_OPEN = 5;
/** Calls let through at a time to see whether it is back. */
const PROBES = 3;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

type Waiting = { readonly call: BackendCall; readonly receiver: Receiver<BackendResult>; readonly waitUntil: number };

/**
 * Keeps a dead backend from being hammered: while it is down a few probes go out at a time and every other call waits
 * in order, each until its own time is over; on return the number of calls at once doubles with each success.
 */
export function withBreaker(inner: Transport, options: { readonly clock: Clock; readonly log: Log; readonly name: string }): Transport {
  return new Breaker(inner, options);
}

class Breaker implements Transport {
  readonly #inner: Transport;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #name: string;
  #waiting = new Fifo<Waiting>();
  #isDown = false;
  #allowed = 0;
  #running = 0;
  #failures = 0;
  #pauses = 0;
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(inner: Transport, options: { readonly clock: Clock; readonly log: Log; readonly name: string }) {
    this.#inner = inner;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#name = options.name;
  }

  call(call: BackendCall, receiver: Receiver<BackendResult>, waitUntil: number): void {
    if (this.#isDown && !this.#isClosed) {
      this.#waiting.push({ call, receiver, waitUntil });
      this.#release();
      // the pause may be over and every probe hang: those that come now must still expire in their time
      if (this.#waiting.length > 0) this.#timer ??= this.#clock.after(LONGEST_PAUSE_MS, () => this.#tick());
    } else {
      this.#pass(call, receiver, waitUntil);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      this.#expire(next, 'stopped', 'the gateway stops');
    await this.#inner.close();
  }

  observed(result: BackendResult): void {
    this.#running -= 1;
    const hasFailed = result.type === 'failure' ? result.reason !== 'too-long' : result.status >= 502 && result.status <= 504;
    if (hasFailed) this.#failed();
    else if (this.#isDown) this.#succeeded();
    else this.#failures = 0;
  }

  #pass(call: BackendCall, receiver: Receiver<BackendResult>, waitUntil: number): void {
    this.#running += 1;
    this.#inner.call(call, new Watched(this, receiver), waitUntil);
  }

  #failed(): void {
    this.#failures += 1;
    if (this.#isClosed) return;
    if (!this.#isDown) {
      if (this.#failures < FAILURES_TO_OPEN) return;
      this.#isDown = true;
      this.#pauses = 0;
      this.#log.warn({ backend: this.#name }, 'backend is down: calls wait, a few probe');
    }
    this.#allowed = 0;
    this.#timer ??= this.#clock.after(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#pauses, 5)), () => this.#probe());
  }

  #probe(): void {
    this.#timer = null;
    this.#pauses += 1;
    this.#dropExpired();
    this.#allowed = PROBES;
    this.#release();
    // probes may hang for as long as a call may take: meanwhile what waits must still expire in its time
    if (this.#waiting.length > 0) this.#timer = this.#clock.after(LONGEST_PAUSE_MS, () => this.#tick());
  }

  #tick(): void {
    this.#timer = null;
    if (!this.#isDown) return;
    this.#dropExpired();
    if (this.#allowed === 0 || this.#running === 0) this.#probe();
    else if (this.#waiting.length > 0) this.#timer = this.#clock.after(LONGEST_PAUSE_MS, () => this.#tick());
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#allowed = Math.max(PROBES, this.#allowed) * 2;
    this.#release();
    if (this.#waiting.length > 0) return;
    this.#isDown = false;
    this.#timer?.cancel();
    this.#timer = null;
    this.#log.info({ backend: this.#name }, 'backend is back');
  }

  #release(): void {
    while (this.#running < this.#allowed) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (next.waitUntil < this.#clock.now()) this.#expire(next, 'unreachable', 'the backend is down');
      else this.#pass(next.call, next.receiver, next.waitUntil);
    }
  }

  #dropExpired(): void {
    const now = this.#clock.now();
    const kept = new Fifo<Waiting>();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (next.waitUntil < now) this.#expire(next, 'unreachable', 'the backend is down');
      else kept.push(next);
    }
    this.#waiting = kept;
  }

  #expire(waiting: Waiting, reason: 'unreachable' | 'stopped', detail: string): void {
    process.nextTick(() => waiting.receiver.settled({ type: 'failure', reason, wasSent: false, detail }));
  }
}

class Watched implements Receiver<BackendResult> {
  readonly #breaker: Breaker;
  readonly #receiver: Receiver<BackendResult>;

  constructor(breaker: Breaker, receiver: Receiver<BackendResult>) {
    this.#breaker = breaker;
    this.#receiver = receiver;
  }

  settled(result: BackendResult): void {
    this.#breaker.observed(result);
    this.#receiver.settled(result);
  }
}
