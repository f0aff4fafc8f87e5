import { pino, type Logger } from 'pino';
import { LogStream } from './log-stream.ts';
import { standardOutput } from './output.ts';
import { prettyLine } from './pretty.ts';

export type LoggerOptions = {
  readonly level: string;
  /** Undefined: pretty on a terminal, else JSON. */
  readonly format: 'json' | 'pretty' | undefined;
  readonly maxBytes: number;
  /** What every line carries. */
  readonly base: Readonly<Record<string, unknown>>;
};

export type OpenLog = { readonly logger: Logger; readonly stream: LogStream };

/** The log of this process, on its standard output. Warnings of Node go there too: its own way to print them waits for a reader. */
export function openLog({ level, format, maxBytes, base }: LoggerOptions): OpenLog {
  const isPretty = (format ?? (process.stdout.isTTY ? 'pretty' : 'json')) === 'pretty';
  const hasColors = process.stdout.isTTY && process.stdout.hasColors();
  const stream = new LogStream({
    output: standardOutput(),
    maxBytes,
    resumed: (dropped) => logger.warn({ dropped }, 'log lines were dropped, their reader was too slow (LOG_BUFFER_BYTES)'),
    died: ({ message }) => tell(`wsaas: nobody reads the log any more (${message}); its lines are dropped from here on\n`),
    ...(isPretty && { show: (line: string) => prettyLine(line, hasColors) }),
  });
  const logger = pino({ level, base }, stream);
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    if (name !== 'ExperimentalWarning') logger.warn({ warning: name, detail: message }, 'a warning of Node');
  });
  return { logger, stream };
}

/** One line, best effort: whoever read both streams is gone. */
function tell(line: string): void {
  process.stderr.on('error', () => {});
  process.stderr.write(line);
}
