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

/** So many bytes written to a pipe are never torn, whoever else writes to it (`PIPE_BUF` of Linux). */
const UNTORN_BYTES = 4_096;

/**
 * pino's destination. It never waits and never throws, whatever becomes of the reader: a log that blocks stops every
 * client. The first line of a turn of the event loop goes at once, those behind it together at the turn's end. One write is on
 * its way at a time, as long ones to a pipe that workers share would be torn.
 */
export class LogStream {
  readonly #options: LogStreamOptions;
  #lines: { readonly text: string; readonly bytes: number }[] = [];
  #bytes = 0;
  #isGathering = false;
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
    if (this.#lines.length === 0 && !output.isBusy && !this.#isGathering) {
      this.#isGathering = true;
      setImmediate(this.#gathered);
      return this.#pass(shown, 1);
    }
    const bytes = Buffer.byteLength(shown);
    if (this.#bytes + bytes > maxBytes) return void (this.#dropped += 1);
    this.#lines.push({ text: shown, bytes });
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

  readonly #gathered = (): void => {
    this.#isGathering = false;
    this.#next();
  };

  #pass(text: string, lines: number): void {
    this.#options.output.write(text, (error) => {
      if (error) return this.#lost(error, lines);
      this.#next();
      this.#written();
    });
  }

  #next(): void {
    while (!this.#options.output.isBusy && this.#lines.length > 0) this.#passSome();
  }

  #written(): void {
    if (!this.#isIdle()) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.#options.resumed(dropped);
    if (this.#isIdle()) this.#idle?.resolve();
  }

  /** As many lines as are not torn, or one that is longer. */
  #passSome(): void {
    let text = '';
    let count = 0;
    let bytes = 0;
    for (const line of this.#lines) {
      if (count > 0 && bytes + line.bytes > UNTORN_BYTES) break;
      text += line.text;
      bytes += line.bytes;
      count += 1;
    }
    this.#bytes -= bytes;
    this.#lines.splice(0, count);
    this.#pass(text, count);
  }

  #lost(error: Error, lines: number): void {
    const { output, died } = this.#options;
    this.#dropped += lines;
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
