import type { Readable } from 'node:stream';
import type { Clock, Log } from '../../../core/ports.ts';
import { type Level, readConsoleLine, RECORD_MARK } from './console-lines.ts';

/** A function that writes more in a second is read no further in it: its own writes wait then, and the gateway's log does not. */
const BYTES_PER_SECOND = 262_144;
const SECOND_MS = 1_000;
const MAX_LINE_LENGTH = 65_536;

export type OutputOptions = {
  readonly log: Log;
  readonly clock: Clock;
  readonly functionName: string;
  /** Of the call that runs, or null: for lines that do not say it themselves. */
  readonly requestId: () => string | null;
};

/** Puts what an instance writes into the gateway's log, line by line. */
export function logOutput(stream: Readable, level: Level, options: OutputOptions): void {
  let begun = '';
  let bytes = 0;
  let secondEndsAt = 0;
  const written = (line: string): void => {
    if (line !== '') tell(line, level, options);
  };
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (begun + text).split('\n');
    begun = lines.pop() ?? '';
    if (begun.length > MAX_LINE_LENGTH) {
      written(begun);
      begun = '';
    }
    for (const line of lines) written(line);
    const now = options.clock.now();
    if (now >= secondEndsAt) {
      secondEndsAt = now + SECOND_MS;
      bytes = 0;
    }
    bytes += text.length;
    if (bytes < BYTES_PER_SECOND) return;
    stream.pause();
    options.clock.after(secondEndsAt - now, () => stream.resume());
  });
  stream.on('end', () => written(begun));
  stream.on('error', () => {});
}

function tell(line: string, level: Level, { log, functionName, requestId }: OutputOptions): void {
  const record = line.startsWith(RECORD_MARK) ? readConsoleLine(line.slice(RECORD_MARK.length)) : null;
  const { level: at, requestId: id, text } = record ?? { level, requestId: requestId(), text: line };
  if (at === 'debug' && !log.isDebugging) return;
  log[at]({ function: functionName, ...(id !== null && { requestId: id }), text }, 'a function wrote');
}
