import { format } from 'node:util';

export type Level = 'error' | 'warn' | 'info' | 'debug';

/** Stands before a line that the gateway reads as JSON (RFC 7464 §2.2): what else a function writes is plain text. */
export const RECORD_MARK = '\u001E';
const MAX_LINE_LENGTH = 8_192;

/** What `console` writes during a call, each with the id of its request. */
export type ConsoleLine = { readonly level: Level; readonly requestId: string | null; readonly text: string };

const LEVELS = { error: 'error', warn: 'warn', info: 'info', log: 'info', debug: 'debug', trace: 'debug' } as const;

/** Makes `console` write such lines. `requestId`: of the call that runs, or null. */
export function captureConsole(requestId: () => string | null): (level: Level, text: string) => void {
  const write = (level: Level, text: string): void => {
    const line: ConsoleLine = { level, requestId: requestId(), text: cut(text) };
    process.stdout.write(`${RECORD_MARK}${JSON.stringify(line)}\n`);
  };
  for (const [method, level] of Object.entries(LEVELS) as [keyof typeof LEVELS, Level][])
    console[method] = (...values: unknown[]) => write(level, method === 'trace' ? traced(values) : format(...values));
  return write;
}

/** Reads such a line, without its mark. Null: it is none. */
export function readConsoleLine(text: string): ConsoleLine | null {
  try {
    const line = JSON.parse(text) as Partial<Record<keyof ConsoleLine, unknown>> | null;
    const { level, requestId, text: written } = line ?? {};
    if (level !== 'error' && level !== 'warn' && level !== 'info' && level !== 'debug') return null;
    if (typeof written !== 'string' || (typeof requestId !== 'string' && requestId !== null)) return null;
    return { level, requestId, text: written };
  } catch {
    return null;
  }
}

function cut(text: string): string {
  return text.length > MAX_LINE_LENGTH ? `${text.slice(0, MAX_LINE_LENGTH)} … (${text.length} characters)` : text;
}

function traced(values: readonly unknown[]): string {
  return `Trace: ${format(...values)}\n${(new Error().stack ?? '').split('\n').slice(3).join('\n')}`;
}
