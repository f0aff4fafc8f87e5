import type { Companion } from './companion.ts';

/** What is known of a client: everything that an event says of it. */
export type PartyFacts = {
  readonly id: string;
  /** Unique for this connection, also where clients choose ids: event ids follow from it. */
  readonly key: string;
  /** The name of its route. */
  readonly route: string;
  readonly path: string;
  readonly authorization: string | null;
  readonly traceparent: string | null;
  /** What came with `traceparent`: passed on with it, never read. */
  readonly tracestate?: string | null;
  readonly subprotocol: string | null;
  readonly tags: ReadonlyMap<string, string> | null;
  /** What the open verdict gave as `data`. */
  readonly data: string | null;
  /** Of a connection of this process whose route has one. */
  readonly companion?: Companion | null;
};

/**
 * Who an event speaks of: a live client, or what the ledger kept of one whose process died. It never changes: a client
 * whose tags change gets another party, so that whatever was derived from the old one is gone with it.
 */
export class Party implements PartyFacts {
  readonly id: string;
  readonly key: string;
  readonly route: string;
  readonly path: string;
  readonly authorization: string | null;
  readonly traceparent: string | null;
  readonly tracestate: string | null;
  readonly subprotocol: string | null;
  readonly tags: ReadonlyMap<string, string> | null;
  readonly data: string | null;
  readonly companion: Companion | null;
  #deriver: unknown = null;
  #derived: unknown = null;

  constructor({
    id,
    key,
    route,
    path,
    authorization,
    traceparent,
    tracestate = null,
    subprotocol,
    tags,
    data,
    companion = null,
  }: PartyFacts) {
    this.id = id;
    this.key = key;
    this.route = route;
    this.path = path;
    this.authorization = authorization;
    this.traceparent = traceparent;
    this.tracestate = tracestate;
    this.subprotocol = subprotocol;
    this.tags = tags;
    this.data = data;
    this.companion = companion;
  }

  /** The same client with other facts. */
  with(changes: Partial<PartyFacts>): Party {
    const { id, key, route, path, authorization, traceparent, tracestate, subprotocol, tags, data, companion } = this;
    return new Party({ id, key, route, path, authorization, traceparent, tracestate, subprotocol, tags, data, companion, ...changes });
  }

  /** What `derive` makes of this party: made when it is first asked for, then kept. It keeps what one deriver made. */
  derived<Result>(derive: (party: Party) => Result): Result {
    if (this.#deriver !== derive) {
      this.#derived = derive(this);
      this.#deriver = derive;
    }
    return this.#derived as Result;
  }
}

/** A key is 22 random bytes in base64url. The first 16 are the trace of a connection whose client brought none, the others begin its spans. */
export function hexOf(key: string): string {
  if (last.key !== key) last = { key, hex: scratch.toString('hex', 0, scratch.write(key, 'base64url')) };
  return last.hex;
}

/** Trace and spans of an event, and the log line beside it, ask for the same key one after another. */
let last = { key: '', hex: '' };
const scratch = Buffer.allocUnsafeSlow(256);

/** The trace that all events of a connection belong to (W3C Trace Context §3.2.2.3). */
export function traceIdOf({ key, traceparent }: Pick<PartyFacts, 'key' | 'traceparent'>): string {
  return traceparent === null ? hexOf(key).slice(0, 32).padEnd(32, '1') : traceparent.slice(3, 35);
}

/** What a log line says of whom it speaks, so that it is found by connection and by trace. */
export function idsOf(party: Pick<PartyFacts, 'id' | 'key' | 'traceparent'>): { readonly id: string; readonly traceId: string } {
  return { id: party.id, traceId: traceIdOf(party) };
}

/** The same of one of its events; `eventId` is what the backend sees as WS-Event-Id. */
export function eventIdsOf(
  party: Pick<PartyFacts, 'id' | 'key' | 'traceparent'>,
  seq: number | 'close',
): { readonly id: string; readonly eventId: string; readonly traceId: string } {
  return { id: party.id, eventId: `${party.key}.${seq}`, traceId: traceIdOf(party) };
}
