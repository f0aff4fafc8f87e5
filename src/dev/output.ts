import type { Ran } from './ran.ts';

/** How a session shows what happens. */
export type Output = {
  readonly ran: (ran: Ran) => void;
  /** What a function wrote. */
  readonly wrote: (text: string) => void;
  /** What the session has to say of itself. */
  readonly told: (text: string) => void;
};

export type OutputOptions = {
  readonly write: (text: string) => void;
  readonly hasColors: boolean;
  /** Also the event and what the function returned. */
  readonly showsEvents: boolean;
};

const ROUTE_WIDTH = 14;
const DURATION_WIDTH = 10;

/** Lines for people: time, route, duration, result, connection. */
export function humanOutput({ write, hasColors, showsEvents }: OutputOptions): Output {
  const colored = (code: number, text: string): string => (hasColors ? `\u001B[${code}m${text}\u001B[39m` : text);
  return {
    ran({ at, routeKey, connectionId, durationMs, result, isError, event, answer }) {
      const time = new Date(at).toTimeString().slice(0, 8);
      const duration = `${durationMs.toFixed(1)} ms`.padStart(DURATION_WIDTH);
      write(`${time}  ${routeKey.padEnd(ROUTE_WIDTH)}${duration}  ${colored(isError ? 31 : 32, result)}  ${colored(90, connectionId)}\n`);
      if (showsEvents) write(`${colored(90, `  event  ${event}\n  answer ${answer}`)}\n`);
    },
    wrote: (text) => write(`${colored(90, text.replaceAll(/^/gm, '  | '))}\n`),
    told: (text) => write(`${text}\n`),
  };
}

/** A JSON document on each line, for programs. */
export function jsonOutput({ write, showsEvents }: Omit<OutputOptions, 'hasColors'>): Output {
  const line = (type: string, facts: object): void => write(`${JSON.stringify({ type, ...facts })}\n`);
  return {
    ran({ event, answer, ...facts }) {
      line('ran', showsEvents ? { ...facts, event, answer } : facts);
    },
    wrote: (text) => line('wrote', { text }),
    told: (text) => line('told', { text }),
  };
}
