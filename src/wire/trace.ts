import type { PartyFacts } from '../core/party.ts';

/** One connection's trace: gives each of its events a `traceparent` (W3C Trace Context §3.2). */
export class Trace {
  readonly #start: string;
  readonly #end: string;

  constructor(start: string, end: string) {
    this.#start = start;
    this.#end = end;
  }

  /** The span follows from connection and event number, so that retries of an event share it. */
  spanOf(seq: number): string {
    return this.#start + (seq >>> 0).toString(16).padStart(8, '0') + this.#end;
  }
}

/**
 * The client's trace goes on where it brought one, else the connection is the trace. A key is 22 random bytes in
 * base64url: 16 become the trace, the others the first half of every span.
 */
export function traceOf({ key, traceparent }: Pick<PartyFacts, 'key' | 'traceparent'>): Trace {
  const hex = Buffer.from(key, 'base64url').toString('hex');
  const span = hex
    .slice(32, 40)
    .padEnd(8, '1')
    .replace(/^0{8}$/, '00000001');
  if (traceparent === null) return new Trace(`00-${hex.slice(0, 32).padEnd(32, '1')}-${span}`, '-01');
  return new Trace(`00-${traceparent.slice(3, 35)}-${span}`, `-${traceparent.slice(53, 55)}`);
}
