import type { FileHandle } from 'node:fs/promises';
import type { Clock, Timer } from '../../core/ports.ts';

type Options = {
  readonly file: FileHandle;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly patienceMs: number;
  /** A removed file takes whatever is written to it, so it is looked at that often, after a write. */
  readonly lookEveryMs: number;
  readonly append: (file: FileHandle, data: Buffer) => Promise<void>;
  /** Called at most once, and nothing is written after it. What was added and is not written is lost. */
  readonly failed: (error: unknown) => void;
};

/** What may wait, waits that many times longer than what may not. */
const LATER_FACTOR = 20;

/**
 * Appends text to one file: what is added while a write runs, or sooner than `everyMs` after the last one began, goes
 * into the next. A write wakes two threads, which costs more than all else a journal does.
 */
export class Writer {
  readonly #options: Options;
  #state: 'running' | 'ending' | 'ended' = 'running';
  #queue = '';
  /** Those that wait for what is queued, and for what is being written. */
  #turn: PromiseWithResolvers<void> | null = null;
  #turnInFlight: PromiseWithResolvers<void> | null = null;
  #isWriting = false;
  #wroteAt = 0;
  #lookedAt = 0;
  #timer: Timer | null = null;
  #timerAt = 0;
  #patience: Timer | null = null;
  bytes = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Resolves when this and all before it is written, or never will be (then `failed` was called). */
  write(text: string): Promise<void> {
    if (this.#state === 'ended') return Promise.resolve();
    this.#queue += text;
    this.#turn ??= Promise.withResolvers<void>();
    const { promise } = this.#turn;
    this.#flushIn(0);
    return promise;
  }

  writeLater(text: string): void {
    if (this.#state === 'ended') return;
    this.#queue += text;
    this.#flushIn(this.#options.everyMs * LATER_FACTOR);
  }

  /** Writes what is left and closes the file. */
  async end(): Promise<void> {
    if (this.#state !== 'running') return;
    this.#state = 'ending';
    await this.write('');
    if (this.#stop()) await this.#closeFile();
  }

  #flushIn(ms: number): void {
    if (this.#isWriting) return; // its end asks again
    const now = this.#options.clock.now();
    const at = Math.max(now + ms, Math.min(this.#wroteAt, now) + this.#options.everyMs);
    if (at <= now) return void this.#flush();
    if (this.#timer !== null && this.#timerAt <= at) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#options.clock.after(at - now, () => void this.#flush());
  }

  async #flush(): Promise<void> {
    const { clock, file, append, patienceMs, lookEveryMs } = this.#options;
    this.#timer?.cancel();
    this.#timer = null;
    const data = Buffer.from(this.#queue);
    this.#turnInFlight = this.#turn;
    this.#queue = '';
    this.#turn = null;
    this.#isWriting = true;
    this.#wroteAt = clock.now();
    this.#patience ??= clock.after(patienceMs, () => this.#watch());
    try {
      if (data.length > 0) await append(file, data);
      this.bytes += data.length;
      if (Math.abs(this.#wroteAt - this.#lookedAt) >= lookEveryMs) await this.#look();
    } catch (error) {
      this.#fail(error);
    }
    this.#isWriting = false;
    this.#turnInFlight?.resolve();
    this.#turnInFlight = null;
    if (this.#state === 'ended') return this.#closeFile();
    if (this.#turn !== null) this.#flushIn(0);
    else if (this.#queue !== '') this.#flushIn(this.#options.everyMs * LATER_FACTOR);
  }

  async #look(): Promise<void> {
    this.#lookedAt = this.#wroteAt;
    if ((await this.#options.file.stat()).nlink === 0) throw new Error('its file was removed');
  }

  /** One timer for all writes: it looks now and then whether one runs too long. */
  #watch(): void {
    const { clock, patienceMs } = this.#options;
    this.#patience = null;
    if (!this.#isWriting) return;
    const leftMs = this.#wroteAt + patienceMs - clock.now();
    if (leftMs > 0) this.#patience = clock.after(leftMs, () => this.#watch());
    else this.#fail(new Error(`a write did not end within ${patienceMs} ms`));
  }

  #fail(error: unknown): void {
    const isWriting = this.#isWriting;
    if (!this.#stop()) return;
    this.#options.failed(error);
    if (!isWriting) void this.#closeFile();
  }

  #stop(): boolean {
    if (this.#state === 'ended') return false;
    this.#state = 'ended';
    this.#timer?.cancel();
    this.#patience?.cancel();
    this.#queue = '';
    this.#turnInFlight?.resolve();
    this.#turn?.resolve();
    this.#turn = null;
    return true;
  }

  async #closeFile(): Promise<void> {
    await this.#options.file.close().catch(() => {}); // nothing depends on it: all that was written is with the kernel
  }
}
