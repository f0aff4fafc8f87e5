import type { Clock, Log, Receiver, Timer } from '../../core/ports.ts';
import type { BackendCall, BackendHealth, BackendResult, CallKind, Transport } from '../../wire/calls.ts';
import { Backlog, type Held } from './backlog.ts';

/** Failures in a row, without one success between, after which a backend counts as down. */
const FAILURES_TO_OPEN = 5;
/** While it is down, a call goes out every so often: 50 a second. */
const PROBE_EVERY_MS = 20;
/** Calls at once that probe: those that have failed before, then the others; `open` calls hold a client up and are few. */
const PROBES = { tried: 3, fresh: 64, open: 3 };
/** Pause between two probes that have failed before: it doubles up to a third of a second. */
const LONGEST_PAUSE_MS = 320;
/** A new client waits so long at most to be a probe, and only so many wait. */
const OPEN_HOLD_MS = 800;
const OPENS_HELD = 8;
/** On its return the calls at once grow by one per success, in the first moment to this many. */
const RAMP_MS = 100;
const RAMP_CALLS = 64;

export type BreakerOptions = { readonly clock: Clock; readonly log: Log; readonly name: string };

/** A transport that tells how its backend looks. */
export type WatchedTransport = Transport & { readonly health: readonly BackendHealth[] };

/**
 * Keeps a backend that is down from being hammered, one kind of event apart from the others: what fails for closes only
 * delays no message. While it is down a few probes ask for all, those first that were never tried, so that a backend
 * that fails for some connections only serves the others at once. New clients are refused soon rather than held. On its
 * return the calls at once grow by one per success (docs/contract.md#a-backend-that-is-down).
 */
export function withBreaker(inner: Transport, options: BreakerOptions): WatchedTransport {
  const kinds: Record<CallKind, Breaker> = {
    open: new Breaker(inner, options, 'open'),
    message: new Breaker(inner, options, 'message'),
    close: new Breaker(inner, options, 'close'),
  };
  return {
    call: (call, receiver, waitUntil) => kinds[call.profile.kind].call(call, receiver, waitUntil),
    get health() {
      return Object.values(kinds).map((breaker) => breaker.health);
    },
    async close() {
      for (const breaker of Object.values(kinds)) breaker.stop();
      await inner.close();
    },
  };
}

class Breaker {
  readonly #inner: Transport;
  readonly #options: BreakerOptions;
  readonly #kind: CallKind;
  readonly #backlog = new Backlog();
  #phase: 'up' | 'down' | 'returning' = 'up';
  #failures = 0;
  #running = { fresh: 0, tried: 0 };
  #pauseMs = PROBE_EVERY_MS;
  #nextTriedAt = 0;
  #allowed = 0;
  #returnedAt = 0;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(inner: Transport, options: BreakerOptions, kind: CallKind) {
    this.#inner = inner;
    this.#options = options;
    this.#kind = kind;
  }

  get health(): BackendHealth {
    return { backend: this.#options.name, event: this.#kind, state: this.#phase, waiting: this.#backlog.length };
  }

  call(call: BackendCall, receiver: Receiver<BackendResult>, waitUntil: number): void {
    const isTried = this.#backlog.knows(call, this.#options.clock);
    if (this.#phase === 'up' || this.#isStopped) {
      this.#pass({ call, receiver, waitUntil, isTried });
      return;
    }
    const isOpen = this.#kind === 'open';
    const held = { call, receiver, isTried, waitUntil: isOpen ? Math.min(waitUntil, this.#now() + OPEN_HOLD_MS) : waitUntil };
    if (isOpen && this.#backlog.length >= OPENS_HELD) expire(held, 'unreachable', 'the backend is down');
    else this.#backlog.add(held);
    if (this.#phase === 'returning') this.#release();
    this.#wait();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    for (let next = this.#backlog.next('any'); next !== null; next = this.#backlog.next('any'))
      expire(next, 'stopped', 'the gateway stops');
  }

  observed({ call, isTried }: Held, result: BackendResult): void {
    this.#running[isTried ? 'tried' : 'fresh'] -= 1;
    if (isFailure(result)) this.#failed(call, isTried);
    else this.#succeeded(call);
  }

  #pass(held: Held): void {
    this.#running[held.isTried ? 'tried' : 'fresh'] += 1;
    this.#inner.call(held.call, new Watched(this, held), held.waitUntil);
  }

  #failed(call: BackendCall, isTried: boolean): void {
    this.#failures += 1;
    if (this.#isStopped) return;
    this.#backlog.tried(call, this.#now());
    if (this.#phase === 'up') {
      if (this.#failures < FAILURES_TO_OPEN) return;
      this.#options.log.warn({ backend: this.#options.name, event: this.#kind }, 'backend is down: calls wait, a few probe');
    } else if (isTried && (this.#phase === 'down' || this.#failures < FAILURES_TO_OPEN)) {
      return; // what failed before and fails again says nothing of the others
    }
    if (this.#phase !== 'down') this.#pauseMs = PROBE_EVERY_MS;
    this.#phase = 'down';
    this.#wait();
  }

  #succeeded(call: BackendCall): void {
    this.#failures = 0;
    this.#backlog.taken(call);
    if (this.#phase === 'up') return;
    if (this.#phase === 'down') {
      this.#phase = 'returning';
      this.#returnedAt = this.#now();
      this.#allowed = PROBES.tried;
    }
    this.#allowed += 1;
    this.#release();
    if (this.#backlog.length > 0) return;
    this.#phase = 'up';
    this.#timer?.cancel();
    this.#timer = null;
    this.#options.log.info({ backend: this.#options.name, event: this.#kind }, 'backend is back');
  }

  /** The backend returns: as many at once as it has shown to bear. */
  #release(): void {
    const most = this.#now() - this.#returnedAt < RAMP_MS ? Math.min(RAMP_CALLS, this.#allowed) : this.#allowed;
    for (;;) {
      const isRoom = this.#running.fresh + this.#running.tried < most;
      if (!isRoom && this.#running.fresh > 0) return; // else those that fail again and again would hold up the first of the others
      const next = this.#backlog.next(isRoom ? 'any' : 'fresh');
      if (next === null) return;
      this.#pass(next);
    }
  }

  /** One more probe, if one is due. */
  #probe(): void {
    const mostFresh = this.#kind === 'open' ? PROBES.open : PROBES.fresh;
    const fresh = this.#running.fresh < mostFresh ? this.#backlog.next('fresh') : null;
    if (fresh !== null) {
      this.#pass(fresh);
      return;
    }
    if (this.#now() < this.#nextTriedAt || this.#running.tried >= PROBES.tried) return;
    const tried = this.#backlog.next('tried');
    if (tried === null) return;
    this.#nextTriedAt = this.#now() + this.#pauseMs;
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
    this.#pass(tried);
  }

  #wait(): void {
    if (this.#isStopped || this.#phase === 'up' || this.#backlog.length === 0) return;
    this.#timer ??= this.#options.clock.after(PROBE_EVERY_MS, () => {
      this.#timer = null;
      for (const held of this.#backlog.late(this.#now())) expire(held, 'unreachable', 'the backend is down');
      if (this.#phase === 'down') this.#probe();
      else this.#release();
      this.#wait();
    });
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

class Watched implements Receiver<BackendResult> {
  readonly #breaker: Breaker;
  readonly #held: Held;

  constructor(breaker: Breaker, held: Held) {
    this.#breaker = breaker;
    this.#held = held;
  }

  settled(result: BackendResult): void {
    this.#breaker.observed(this.#held, result);
    this.#held.receiver.settled(result);
  }
}

/** It cannot be reached, or says itself that it is not there. */
function isFailure(result: BackendResult): boolean {
  return result.type === 'failure' ? result.reason !== 'too-long' : result.status >= 502 && result.status <= 504;
}

function expire({ receiver }: Pick<Held, 'receiver'>, reason: 'unreachable' | 'stopped', detail: string): void {
  process.nextTick(() => receiver.settled({ type: 'failure', reason, wasSent: false, detail }));
}
