import type { CloseEvent, CloseVerdict } from './events.ts';
import { Fifo } from './fifo.ts';
import type { Life, Observer } from './observer.ts';
import { eventIdsOf } from './party.ts';
import type { Clock, Ledger, Log, Receiver, Timer } from './ports.ts';
import { retryDelayMs } from './retry.ts';
import type { Route } from './route.ts';

type Options = {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly observer: Observer;
  readonly log: Log;
  /** `close` calls that run at once, per backend. */
  readonly concurrency: number;
  /** `close` events that wait, per backend. What is over it stays in the ledger, or is lost where there is none. */
  readonly backlog: number;
};

/**
 * Delivers `close` events at least once, in the background (G3): bounded concurrency per backend, so that neither a
 * mass departure nor a dead backend delays a message; retried until acknowledged or CLOSE_RETRY_FOR_MS is over.
 */
export class Closings {
  readonly #options: Options;
  readonly #lanes = new Map<string, ClosingLane>();
  readonly #idleWaiters: (() => void)[] = [];
  #pending = 0;
  #isStopped = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Events that are not acknowledged yet. */
  get pending(): number {
    return this.#pending;
  }

  /** `life`: null for an orphan. */
  tell(route: Route, event: CloseEvent, life: Life | null): void {
    const { observer, log, backlog } = this.#options;
    observer.closed(event, life);
    if (this.#isStopped) return; // it stays in the ledger
    let lane = this.#lanes.get(route.backendName);
    if (lane === undefined) {
      lane = new ClosingLane(this.#options, () => this.#settled());
      this.#lanes.set(route.backendName, lane);
    }
    if (lane.length >= backlog) {
      observer.counted('closesLost', 1);
      log.error({ ...eventIdsOf(event.party, 'close'), backlog }, 'too many close events wait for the backend, one stays undelivered');
      return;
    }
    this.#pending += 1;
    lane.add(new Closing(lane, this.#options, { route, event }));
  }

  /** Resolves when every event is acknowledged or given up. */
  idle(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Tells and retries no more. What is undelivered stays in the ledger. */
  stop(): void {
    this.#isStopped = true;
    for (const lane of this.#lanes.values()) lane.stop();
  }

  #settled(): void {
    this.#pending -= 1;
    if (this.#pending > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}

class ClosingLane {
  readonly #options: Options;
  readonly #settled: () => void;
  readonly #waiting = new Fifo<Closing>();
  readonly #resting = new Map<Closing, Timer>();
  #running = 0;
  #isStopped = false;

  constructor(options: Options, settled: () => void) {
    this.#options = options;
    this.#settled = settled;
  }

  get length(): number {
    return this.#waiting.length + this.#resting.size;
  }

  add(closing: Closing): void {
    this.#waiting.push(closing);
    this.#start();
  }

  acknowledged(): void {
    this.#running -= 1;
    this.#settled();
    this.#start();
  }

  rest(closing: Closing, ms: number): void {
    this.#running -= 1;
    if (this.#isStopped) return;
    const timer = this.#options.clock.after(ms, () => {
      this.#resting.delete(closing);
      this.add(closing);
    });
    this.#resting.set(closing, timer);
    this.#start();
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting.clear();
    for (const timer of this.#resting.values()) timer.cancel();
    this.#resting.clear();
  }

  #start(): void {
    while (!this.#isStopped && this.#running < this.#options.concurrency) {
      const closing = this.#waiting.shift();
      if (closing === undefined) return;
      this.#running += 1;
      closing.send();
    }
  }
}

class Closing implements Receiver<CloseVerdict> {
  readonly #lane: ClosingLane;
  readonly #route: Route;
  readonly #event: CloseEvent;
  readonly #options: Options;
  readonly #giveUpAt: number;
  #askedAt = 0;
  #attempts = 0;

  constructor(lane: ClosingLane, options: Options, { route, event }: { readonly route: Route; readonly event: CloseEvent }) {
    this.#lane = lane;
    this.#route = route;
    this.#event = event;
    this.#options = options;
    this.#giveUpAt = options.clock.now() + route.limits.closeRetryForMs;
  }

  send(): void {
    if (this.#askedAt === 0) this.#askedAt = this.#options.clock.now();
    this.#route.backend.close(this.#event, this, this.#giveUpAt);
  }

  settled(verdict: CloseVerdict): void {
    const { clock, ledger, observer, log } = this.#options;
    const { party } = this.#event;
    observer.answered(this.#event, verdict, this.#askedAt);
    if (verdict.type === 'delivered') {
      observer.counted('closesDelivered', 1);
      ledger.forget(party.key);
      this.#lane.acknowledged();
      return;
    }
    const leftMs = this.#giveUpAt - clock.now();
    const delay = retryDelayMs({ attempts: this.#attempts, afterMs: verdict.afterMs, leftMs, random: clock.random() });
    this.#attempts += 1;
    if (delay === null) {
      observer.counted('closesLost', 1);
      log.error(
        { ...eventIdsOf(party, 'close'), because: verdict.because },
        'a close event was not acknowledged in CLOSE_RETRY_FOR_MS, given up',
      );
      ledger.forget(party.key);
      this.#lane.acknowledged();
      return;
    }
    observer.counted('closesRetried', 1);
    if (this.#attempts === 1)
      log.warn({ ...eventIdsOf(party, 'close'), because: verdict.because }, 'a close event was not acknowledged, will be sent again');
    this.#lane.rest(this, delay);
  }
}
