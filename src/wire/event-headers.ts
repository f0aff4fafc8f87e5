import type { CloseEvent, MessageEvent, OpenEvent } from '../core/events.ts';
import type { Party } from '../core/party.ts';
import type { BackendCall } from './calls.ts';
import { PartyHeaders } from './party-headers.ts';
import { traceOf, type Trace } from './trace.ts';
import { encodedId } from './ws-uris.ts';

/** What goes into the headers of every event beside the event itself. */
export type EventHeaderOptions = {
  readonly wsUri: (id: string) => string;
  /** BACKEND_HEADERS: name, value, name, value … */
  readonly backendHeaders: readonly string[];
};

/** Of the headers that FORWARD_HEADERS may name. */
const SENT_ANYWAY: ReadonlySet<string> = new Set(['authorization', 'accept-encoding', 'tracestate']);

/** What all messages of one connection say alike, until its tags change. */
type MessageHeaders = { readonly partyHeaders: PartyHeaders; readonly trace: Trace };

/** The headers that every event carries, whatever its dialect (docs/contract.md#event-headers); dialects add their own. */
export class EventHeaders {
  readonly #wsUri: EventHeaderOptions['wsUri'];
  /** Of every event: an answer must come as it is, since its body may be passed on. */
  readonly #fixed: readonly string[];

  constructor({ wsUri, backendHeaders }: EventHeaderOptions) {
    this.#wsUri = wsUri;
    const isOwn = (index: number): boolean => backendHeaders[index - (index % 2)] === 'accept-encoding';
    this.#fixed = ['accept-encoding', 'identity', ...backendHeaders.filter((_text, index) => !isOwn(index))];
  }

  open({ party, request }: OpenEvent): string[] {
    const headers = this.#common(party, 'open');
    headers.push('ws-event-id', `${party.key}.0`, 'ws-seq', '0', 'traceparent', traceOf(party).spanOf(0));
    for (let index = 0; index < request.forwarded.length; index += 2) {
      const name = request.forwarded[index];
      if (name !== undefined && !SENT_ANYWAY.has(name)) headers.push(name, request.forwarded[index + 1] ?? '');
    }
    return headers;
  }

  /** On the path of every message. */
  message({ party, seq }: Pick<MessageEvent, 'party' | 'seq'>): Required<Pick<BackendCall, 'headers' | 'partyHeaders'>> {
    const { partyHeaders, trace } = party.derived(this.#alike);
    return { headers: ['ws-event-id', `${party.key}.${seq}`, 'ws-seq', String(seq), 'traceparent', trace.spanOf(seq)], partyHeaders };
  }

  readonly #alike = (party: Party): MessageHeaders => ({
    partyHeaders: new PartyHeaders(this.#common(party, 'message')),
    trace: traceOf(party),
  });

  close({ party, seq, code, reason, isOrphan }: CloseEvent): string[] {
    const headers = this.#common(party, 'close');
    headers.push('ws-event-id', `${party.key}.close`);
    headers.push('ws-close-code', String(code), 'ws-close-reason', reason === '' ? '' : encodeURIComponent(reason.toWellFormed()));
    if (seq !== null) headers.push('ws-seq', String(seq));
    headers.push('traceparent', traceOf(party).spanOf(seq ?? 0xffffffff));
    if (isOrphan) headers.push('ws-orphan', 'true');
    return headers;
  }

  #common(party: Party, event: 'open' | 'message' | 'close'): string[] {
    const headers = ['ws-uri', this.#wsUri(party.id), 'ws-connection', encodedId(party.id), 'ws-event', event];
    if (party.authorization !== null) headers.push('authorization', party.authorization);
    if (party.tags !== null && party.tags.size > 0) headers.push('ws-tags', new URLSearchParams([...party.tags]).toString());
    if (party.data !== null) headers.push('ws-data', party.data);
    if (party.tracestate !== null) headers.push('tracestate', party.tracestate);
    headers.push(...this.#fixed);
    return headers;
  }
}
