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
  readonly subprotocol: string | null;
  readonly tags: ReadonlyMap<string, string> | null;
  readonly data: string | null;
  readonly companion: Companion | null;
  #deriver: unknown = null;
  #derived: unknown = null;

  constructor({ id, key, route, path, authorization, traceparent, subprotocol, tags, data, companion = null }: PartyFacts) {
    this.id = id;
    this.key = key;
    this.route = route;
    this.path = path;
    this.authorization = authorization;
    this.traceparent = traceparent;
    this.subprotocol = subprotocol;
    this.tags = tags;
    this.data = data;
    this.companion = companion;
  }

  /** The same client with other facts. */
  with(changes: Partial<PartyFacts>): Party {
    const { id, key, route, path, authorization, traceparent, subprotocol, tags, data, companion } = this;
    return new Party({ id, key, route, path, authorization, traceparent, subprotocol, tags, data, companion, ...changes });
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
