import { withoutEndSlashes } from '../../wire/ws-uris.ts';
import { codingProblem } from '../../wire/http-messages.ts';
import { unusable } from '../../core/refusals.ts';
import { CLOSE } from '../../core/close-codes.ts';
import type { Codec } from '../../wire/codec.ts';
import { type EventHeaderOptions, EventHeaders } from '../../wire/event-headers.ts';
import {
  type CloseEvent,
  type CloseVerdict,
  type MessageEvent,
  type MessageVerdict,
  type OpenEvent,
  type OpenVerdict,
} from '../../core/events.ts';
import type { Limits } from '../../core/limits.ts';
import { type BackendCall, type BackendResult, type CallProfile, closeProfile, maxAnswerBytes } from '../../wire/calls.ts';
import { closeVerdict, deliveredBy, readSetTags, refused, unanswered } from '../../wire/verdicts.ts';

export type RawOptions = EventHeaderOptions & {
  /** Path and query of the backend's URL; `/<id>` goes between them. */
  readonly backendPath: string;
  readonly limits: Limits;
};

/** docs/dialects/raw.md as pure functions: ws2api's raw mode, with its faults mended (docs/migration.md#from-ws2api-raw-mode). */
export class RawCodec implements Codec {
  readonly #path: string;
  readonly #query: string;
  readonly #headers: EventHeaders;
  readonly #open: CallProfile;
  readonly #message: CallProfile;
  readonly #close: CallProfile;

  constructor(options: RawOptions) {
    const queryAt = options.backendPath.indexOf('?');
    this.#path = withoutEndSlashes(queryAt < 0 ? options.backendPath : options.backendPath.slice(0, queryAt));
    this.#query = queryAt < 0 ? '' : options.backendPath.slice(queryAt);
    this.#headers = new EventHeaders(options);
    const answerBytes = maxAnswerBytes(options.limits);
    const { openTimeoutMs, backendTimeoutMs } = options.limits;
    this.#open = {
      kind: 'open',
      method: 'GET',
      isIdempotent: true,
      timeoutMs: openTimeoutMs,
      maxAnswerBytes: answerBytes,
      wantsBody: true,
    };
    this.#message = {
      kind: 'message',
      method: 'POST',
      isIdempotent: false,
      timeoutMs: backendTimeoutMs,
      maxAnswerBytes: answerBytes,
      wantsBody: true,
    };
    this.#close = closeProfile(options.limits);
  }

  encodeOpen(event: OpenEvent): BackendCall {
    return { profile: this.#open, path: this.#pathOf(event.party.id), headers: this.#headers.open(event), body: null };
  }

  decodeOpen(_event: OpenEvent, result: BackendResult): OpenVerdict {
    if (result.type === 'failure') return unanswered(result);
    if (result.status !== 200) return refused(502, 'BAD_GATEWAY', `the backend answered ${result.status}, 200 was wanted`);
    const problem = codingProblem(result);
    if (problem !== null) return refused(502, 'BAD_GATEWAY', `the backend gave ${problem}`);
    if (!result.body.equals(OK)) return refused(403, 'FORBIDDEN', 'the backend did not let this client in');
    const tags = readSetTags(result.headers);
    if (typeof tags === 'string') return unusable(tags);
    return { type: 'accepted', tags: tags === null ? null : new Map(tags), data: null, subprotocol: null, message: null, headers: [] };
  }

  encodeMessage(event: MessageEvent): BackendCall {
    const { headers, partyHeaders } = this.#headers.message(event);
    headers.push('content-type', event.isBinary ? 'application/octet-stream' : 'text/plain; charset=utf-8');
    return { profile: this.#message, path: this.#pathOf(event.party.id), headers, partyHeaders, body: event.data };
  }

  /** POST is not idempotent: repeated only when provably unsent, or on 503. A lost answer counts as delivered. */
  decodeMessage(_event: MessageEvent, result: BackendResult): MessageVerdict {
    if (result.type === 'failure') {
      if (!result.wasSent) return { type: 'retry', afterMs: null, because: result.reason };
      return { type: 'delivered', reply: null, complaint: `${result.reason} after it was sent` };
    }
    const { status } = result;
    if (status === 503) return { type: 'retry', afterMs: null, because: 'status 503' };
    if (status < 200 || status > 299) return { type: 'delivered', reply: null, complaint: `status ${status}` };
    return deliveredBy(result, true);
  }

  encodeClose(event: CloseEvent): BackendCall {
    const headers = this.#headers.close(event);
    headers.push('content-type', 'text/plain; charset=utf-8');
    const body = event.reason === '' && event.code === CLOSE.ABNORMAL ? 'EOF' : event.reason;
    return { profile: this.#close, path: this.#pathOf(event.party.id), headers, body };
  }

  decodeClose(_event: CloseEvent, result: BackendResult): CloseVerdict {
    return closeVerdict(result);
  }

  #pathOf(id: string): string {
    return `${this.#path}/${segment(id)}${this.#query}`;
  }
}

const OK = Buffer.from('ok');

/** Exactly one path segment, whatever the id holds. */
export function segment(id: string): string {
  return encodeURIComponent(id);
}
