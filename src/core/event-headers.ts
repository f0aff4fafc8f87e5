import type { ClosedParty, CloseEvent, MessageEvent, OpenEvent } from './events.ts';
import { traceparent } from './trace.ts';

/** What goes into the headers of every event beside the event itself. */
export type EventHeaderOptions = {
  readonly wsUri: (id: string) => string;
  /** BACKEND_HEADERS: name, value, name, value … */
  readonly backendHeaders: readonly string[];
};

/** The headers that every event carries, whatever its dialect (CONTRACT §3); dialects add their own. */
export class EventHeaders {
  readonly #options: EventHeaderOptions;

  constructor(options: EventHeaderOptions) {
    this.#options = options;
  }

  open({ connection, request }: OpenEvent): string[] {
    const headers = this.#common(connection, 'open', 0);
    headers.push('ws-seq', '0', 'traceparent', traceparent(connection.traceparent, connection.key, 0));
    for (let index = 0; index < request.forwarded.length; index += 2) {
      const name = request.forwarded[index];
      if (name !== undefined && name !== 'authorization') headers.push(name, request.forwarded[index + 1] ?? '');
    }
    return headers;
  }

  message({ connection, seq }: Pick<MessageEvent, 'seq'> & { readonly connection: ClosedParty }): string[] {
    const headers = this.#common(connection, 'message', seq);
    headers.push('ws-seq', String(seq), 'traceparent', traceparent(connection.traceparent, connection.key, seq));
    return headers;
  }

  close({ party, seq, code, reason, isOrphan }: CloseEvent): string[] {
    const headers = this.#common(party, 'close', 'close');
    headers.push('ws-close-code', String(code), 'ws-close-reason', encodeURIComponent(reason.toWellFormed()));
    if (seq !== null) headers.push('ws-seq', String(seq));
    headers.push('traceparent', traceparent(party.traceparent, party.key, seq ?? 0xffffffff));
    if (isOrphan) headers.push('ws-orphan', 'true');
    return headers;
  }

  /** `number`: what tells this event from the connection's others. */
  #common(party: ClosedParty, event: 'open' | 'message' | 'close', number: string | number): string[] {
    const { wsUri, backendHeaders } = this.#options;
    const headers = ['ws-uri', wsUri(party.id), 'ws-connection', encodeURIComponent(party.id), 'ws-event', event];
    headers.push('ws-event-id', `${party.key}.${number}`);
    if (party.authorization !== null) headers.push('authorization', party.authorization);
    if (party.tags !== null && party.tags.size > 0) headers.push('ws-tags', new URLSearchParams([...party.tags]).toString());
    if (party.data !== null) headers.push('ws-data', party.data);
    if (backendHeaders.length > 0) headers.push(...backendHeaders);
    return headers;
  }
}
