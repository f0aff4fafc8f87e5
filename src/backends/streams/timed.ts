import type { CloseEvent, CloseVerdict, MessageEvent, MessageVerdict, OpenEvent, OpenVerdict } from '../../core/events.ts';
import type { Backend, Clock, Receiver } from '../../core/ports.ts';
import type { Timings } from '../../core/timings.ts';

/** The same backend, whose answers are timed: no transport does it here. */
export class TimedBackend implements Backend {
  readonly #inner: Backend;
  readonly #clock: Clock;
  readonly #timings: Timings;

  constructor(inner: Backend, clock: Clock, timings: Timings) {
    this.#inner = inner;
    this.#clock = clock;
    this.#timings = timings;
  }

  async open(event: OpenEvent, waitUntil: number): Promise<OpenVerdict> {
    const startedAt = this.#clock.now();
    const verdict = await this.#inner.open(event, waitUntil);
    this.took('open', verdict.type === 'accepted', startedAt);
    return verdict;
  }

  message(event: MessageEvent, receiver: Receiver<MessageVerdict>, waitUntil: number): void {
    this.#inner.message(event, new Timed('message', receiver, this), waitUntil);
  }

  close(event: CloseEvent, receiver: Receiver<CloseVerdict>, waitUntil: number): void {
    this.#inner.close(event, new Timed('close', receiver, this), waitUntil);
  }

  stop(): Promise<void> {
    return this.#inner.stop();
  }

  now(): number {
    return this.#clock.now();
  }

  took(event: 'open' | 'message' | 'close', isStored: boolean, startedAt: number): void {
    this.#timings.took(event, isStored ? 'stored' : 'unstored', this.#clock.now() - startedAt);
  }
}

/** One event on its way. A class, because a closure for each message costs more. */
class Timed<Verdict extends MessageVerdict | CloseVerdict> implements Receiver<Verdict> {
  readonly #event: 'message' | 'close';
  readonly #receiver: Receiver<Verdict>;
  readonly #backend: TimedBackend;
  readonly #startedAt: number;

  constructor(event: 'message' | 'close', receiver: Receiver<Verdict>, backend: TimedBackend) {
    this.#event = event;
    this.#receiver = receiver;
    this.#backend = backend;
    this.#startedAt = backend.now();
  }

  settled(verdict: Verdict): void {
    this.#backend.took(this.#event, verdict.type === 'delivered', this.#startedAt);
    this.#receiver.settled(verdict);
  }
}
