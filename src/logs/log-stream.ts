import type { Output } from './output.ts';

export type LogStreamOptions = {
  readonly output: Output;
  /** Bytes of lines that wait for the reader; beyond them lines are dropped and counted. */
  readonly maxBytes: number;
  /** The reader is back after so many lines were dropped. May write. */
  readonly resumed: (dropped: number) => void;
  /** Nobody will read any more; called once. */
  readonly died: (error: Error) => void;
  /** How a line is shown. */
  readonly show?: (line: string) => string;
};

/**
 * pino's destination. It never waits and never throws, whatever becomes of the reader: a log that blocks stops every
 * client. One line is on its way at a time, as longer writes to a pipe that workers share would be torn.
 */
export class LogStream {
  readonly #options: LogStreamOptions;
  #lines: string[] = [];
  #bytes = 0;
  /** Dropped, and not yet told. */
  #dropped = 0;
  #error: Error | null = null;
  #idle: PromiseWithResolvers<void> | null = null;

  constructor(options: LogStreamOptions) {
    this.#options = options;
  }

  /** What is the matter with the log, or null. */
  get problem(): string | null {
    if (this.#dropped === 0) return null;
    const reason = this.#error === null ? 'its reader is too slow' : `nobody reads it (${this.#error.message})`;
    return `${reason}; lines dropped: ${this.#dropped}`;
  }

  write(line: string): void {
    const { output, maxBytes, show } = this.#options;
    if (output.isGone) return void (this.#dropped += 1);
    const shown = show === undefined ? line : show(line);
    if (this.#lines.length === 0 && !output.isBusy) return this.#pass(shown);
    const bytes = Buffer.byteLength(shown);
    if (this.#bytes + bytes > maxBytes) return void (this.#dropped += 1);
    this.#lines.push(shown);
    this.#bytes += bytes;
  }

  /** Resolves when all is written, nobody reads, or the time is over. */
  async flush(limitMs: number): Promise<void> {
    if (this.#isIdle()) return;
    this.#idle ??= Promise.withResolvers<void>();
    const timer = setTimeout(() => this.#idle?.resolve(), limitMs);
    await this.#idle.promise;
    clearTimeout(timer);
  }

  #isIdle(): boolean {
    const { output } = this.#options;
    return output.isGone || (this.#lines.length === 0 && !output.isBusy);
  }

  #pass(line: string): void {
    this.#options.output.write(line, (error) => {
      if (error) this.#lost(error);
      else this.#next();
    });
  }

  #next(): void {
    const { output, resumed } = this.#options;
    let line: string | undefined;
    while (!output.isBusy && (line = this.#lines.shift()) !== undefined) {
      this.#bytes -= Buffer.byteLength(line);
      this.#pass(line);
    }
    if (!this.#isIdle()) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) resumed(dropped);
    if (this.#isIdle()) this.#idle?.resolve();
  }

  #lost(error: Error): void {
    const { output, died } = this.#options;
    this.#dropped += 1;
    if (!output.isGone) return;
    this.#dropped += this.#lines.length;
    this.#lines = [];
    this.#bytes = 0;
    this.#idle?.resolve();
    if (this.#error !== null) return;
    this.#error = error;
    died(error);
  }
}
