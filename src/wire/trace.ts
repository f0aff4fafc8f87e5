import { hexOf, traceIdOf, type PartyFacts } from '../core/party.ts';

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
 * Ends the id of the span that a tracing system has of an upgrade. Such a span is the parent of those of all the
 * connection's calls: they begin as it does, so that it is known of each of them (`openingSpanOf`).
 */
export const OPENING_SPAN_END = 'fffffffe';

/** The client's trace goes on where it brought one, else the connection is the trace. */
export function traceOf({ key, traceparent }: Pick<PartyFacts, 'key' | 'traceparent'>): Trace {
  if (last.key !== key || last.traceparent !== traceparent) last = { key, traceparent, trace: newTrace(key, traceparent) };
  return last.trace;
}

function newTrace(key: string, traceparent: string | null): Trace {
  return new Trace(
    `00-${traceIdOf({ key, traceparent })}-${spanStartOf(key, traceparent)}`,
    traceparent === null ? '-01' : `-${traceparent.slice(53, 55)}`,
  );
}

/** The call that tells an end, and who shows it, ask for the same one after another. */
let last: { readonly key: string; readonly traceparent: string | null; readonly trace: Trace } = {
  key: '',
  traceparent: null,
  trace: new Trace('', ''),
};

/** The first half of a connection's spans. All zeros would not do (W3C Trace Context §3.2.2.4). */
function spanStartOf(key: string, traceparent: string | null): string {
  const isOfUpgrade = traceparent?.slice(44, 52) === OPENING_SPAN_END;
  const start = isOfUpgrade ? traceparent.slice(36, 44) : hexOf(key).slice(32, 40).padEnd(8, '1');
  return start === '00000000' ? '00000001' : start;
}

/** Of a span of one of the connection's calls, the id of the span that its upgrade has. */
export function openingSpanOf(spanId: string): string {
  return spanId.slice(0, 8) + OPENING_SPAN_END;
}

/** What a `traceparent` of version 00 says; null of anything else (W3C Trace Context §3.2). */
export function readTraceparent(value: unknown): { readonly traceId: string; readonly spanId: string; readonly flags: number } | null {
  if (typeof value !== 'string' || !/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.test(value)) return null;
  return { traceId: value.slice(3, 35), spanId: value.slice(36, 52), flags: Number.parseInt(value.slice(53), 16) };
}

const MOST_TRACESTATE_BYTES = 512;
const MEMBER = /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/**
 * A `tracestate` that may be passed on, or null (W3C Trace Context §3.3): of one that is too long the last members are left out,
 * one that cannot be read is left out whole.
 */
export function readTracestate(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 8 * MOST_TRACESTATE_BYTES) return null;
  const members = value
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
  if (members.length === 0 || members.length > 32 || !members.every((member) => MEMBER.test(member))) return null;
  while (members.join(',').length > MOST_TRACESTATE_BYTES) members.pop();
  return members.length === 0 ? null : members.join(',');
}
