import type { Log } from '../../../src/core/ports.ts';
import { Arrivals } from '../../support/arrivals.ts';

export type LogLine = {
  readonly level: 'error' | 'warn' | 'info';
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
};

/** A log to look into, and to wait for. */
export function recordingLog(): Log & { readonly lines: Arrivals<LogLine> } {
  const lines = new Arrivals<LogLine>();
  const at = (level: LogLine['level']) => (facts: object, message: string) => lines.add({ level, message, facts: { ...facts } });
  return { lines, error: at('error'), warn: at('warn'), info: at('info'), debug: () => {}, isDebugging: false };
}
