import { pino, type Logger } from 'pino';
import { prettyLine } from './pretty.ts';

/** Where a host wants the lines of its gateway. */
export type HostLog = { readonly [Level in 'error' | 'warn' | 'info' | 'debug']: (facts: object, message: string) => void };

export type HostLoggerOptions = {
  readonly level: string;
  /** Undefined: pretty on a terminal, else JSON. */
  readonly format: 'json' | 'pretty' | undefined;
  /** Undefined: standard output. */
  readonly log: HostLog | undefined;
};

const LEVELS: Readonly<Record<number, keyof HostLog>> = { 10: 'debug', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'error' };

/** The log of a gateway in somebody else's process: it touches neither that process's warnings nor how its output behaves. */
export function hostLogger({ level, format, log }: HostLoggerOptions): Logger {
  if (log !== undefined) return pino({ level, base: null, timestamp: false }, { write: (line) => tell(log, line) });
  const isPretty = (format ?? (process.stdout.isTTY ? 'pretty' : 'json')) === 'pretty';
  if (!isPretty) return pino({ level, base: { pid: process.pid } });
  const hasColors = process.stdout.isTTY && process.stdout.hasColors();
  return pino({ level, base: { pid: process.pid } }, { write: (line) => void process.stdout.write(prettyLine(line, hasColors)) });
}

function tell(log: HostLog, line: string): void {
  const { level, msg, ...facts } = JSON.parse(line) as { level: number; msg: string };
  log[LEVELS[level] ?? 'info'](facts, msg);
}
