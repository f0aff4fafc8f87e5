import type { Codec } from '../../wire/codec.ts';
import { codingProblem, parseJson } from '../../wire/http-messages.ts';
import {
  type CloseEvent,
  type CloseVerdict,
  type MessageEvent,
  type MessageVerdict,
  type OpenEvent,
  type OpenVerdict,
  type Refusal,
} from '../../core/events.ts';
import { type EventHeaderOptions, EventHeaders } from '../../wire/event-headers.ts';
import type { Limits } from '../../core/limits.ts';
import { type BackendCall, type BackendResult, type CallProfile, closeProfile, maxAnswerBytes } from '../../wire/calls.ts';
import { closeVerdict, deliveredBy, readSetTags, refused, refusedBy, unanswered } from '../../wire/verdicts.ts';
import { unusable } from '../../core/refusals.ts';
import { readAcceptance } from './acceptance.ts';

export type WsaasOptions = EventHeaderOptions & {
  /** Path and query of API_URI; `{id}` in it stands for the connection's id. */
  readonly backendPath: string;
  readonly limits: Limits;
  /** Does a non-empty 2xx body go back to the client? */
  readonly reply: boolean;
};

/** docs/dialects/wsaas.md as pure functions. */
export class WsaasCodec implements Codec {
  readonly #options: WsaasOptions;
  readonly #headers: EventHeaders;
  readonly #open: CallProfile;
  readonly #message: CallProfile;
  readonly #close: CallProfile;
  readonly #hasId: boolean;

  constructor(options: WsaasOptions) {
    this.#options = options;
    this.#headers = new EventHeaders(options);
    const answerBytes = maxAnswerBytes(options.limits);
    const { openTimeoutMs, backendTimeoutMs } = options.limits;
    this.#open = {
      kind: 'open',
      method: 'POST',
      isIdempotent: false,
      timeoutMs: openTimeoutMs,
      maxAnswerBytes: answerBytes,
      wantsBody: true,
    };
    this.#message = {
      kind: 'message',
      method: 'PUT',
      isIdempotent: true,
      timeoutMs: backendTimeoutMs,
      maxAnswerBytes: answerBytes,
      wantsBody: options.reply,
    };
    this.#close = closeProfile(options.limits);
    this.#hasId = options.backendPath.includes('{id}');
  }

  encodeOpen(event: OpenEvent): BackendCall {
    const { party, request } = event;
    const headers = this.#headers.open(event);
    headers.push('content-type', 'application/json');
    const body = JSON.stringify({
      code: 'NEW_CONNECTION',
      ws_uri: this.#options.wsUri(party.id),
      timeout: this.#options.limits.idleTimeoutMs,
      id: party.id,
      path: request.path,
      query: request.query,
      subprotocols: request.subprotocols,
      remote_address: request.remoteAddress,
    });
    return { profile: this.#open, path: this.#path(party.id), headers, body };
  }

  decodeOpen({ request }: OpenEvent, result: BackendResult): OpenVerdict {
    if (result.type === 'failure') return unanswered(result);
    const { status } = result;
    if (status >= 400 && status < 500) return refusedBy(result, codeIn(result.body) ?? 'REFUSED');
    if (status < 200 || status > 299) return badGateway(`the backend answered ${status}`);
    const problem = codingProblem(result);
    if (problem !== null) return badGateway(`the backend gave ${problem}`);
    const verdict = readAcceptance(result.body, request.subprotocols, this.#options.limits.maxMessageBytes);
    const more = readSetTags(result.headers);
    if (verdict.type === 'refused' || more === null) return verdict;
    if (typeof more === 'string') return unusable(more);
    return { ...verdict, tags: new Map([...(verdict.tags ?? []), ...more]) };
  }

  encodeMessage(event: MessageEvent): BackendCall {
    const { headers, partyHeaders } = this.#headers.message(event);
    headers.push('content-type', event.isBinary ? 'application/octet-stream' : textType(event.data));
    return { profile: this.#message, path: this.#path(event.party.id), headers, partyHeaders, body: event.data };
  }

  decodeMessage(_event: MessageEvent, result: BackendResult): MessageVerdict {
    if (result.type === 'failure') return { type: 'retry', afterMs: null, because: result.reason };
    const { status, body } = result;
    if (status >= 200 && status < 300) {
      return deliveredBy(result, this.#options.reply && body.length > 0);
    }
    if (status >= 502 && status <= 504) return { type: 'retry', afterMs: null, because: `status ${status}` };
    return { type: 'delivered', reply: null, complaint: `status ${status}` };
  }

  encodeClose(event: CloseEvent): BackendCall {
    const { party, code, reason } = event;
    const headers = this.#headers.close(event);
    headers.push('content-type', 'application/json');
    const body = JSON.stringify({
      code: 'CONNECTION_CLOSE',
      ws_uri: this.#options.wsUri(party.id),
      id: party.id,
      close_code: code,
      close_reason: reason,
    });
    return { profile: this.#close, path: this.#path(party.id), headers, body };
  }

  decodeClose(_event: CloseEvent, result: BackendResult): CloseVerdict {
    return closeVerdict(result);
  }

  #path(id: string): string {
    const { backendPath } = this.#options;
    return this.#hasId ? backendPath.replaceAll('{id}', encodeURIComponent(id)) : backendPath;
  }
}

/** JSON if it starts and ends as an object or array (docs/dialects/wsaas.md#content-types); nobody parses it. */
export function textType(data: Buffer): string {
  let first = 0;
  let last = data.length - 1;
  while (first <= last && isJsonSpace(data[first])) first += 1;
  while (last > first && isJsonSpace(data[last])) last -= 1;
  const start = data[first];
  const end = data[last];
  const isJson = first < last && ((start === 0x7b && end === 0x7d) || (start === 0x5b && end === 0x5d));
  return isJson ? 'application/json' : 'text/plain; charset=utf-8';
}

function isJsonSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function codeIn(body: Buffer): string | null {
  try {
    const { code } = parseJson(body) as { code?: unknown };
    return typeof code === 'string' ? code : null;
  } catch {
    return null;
  }
}

function badGateway(message: string): Refusal {
  return refused(502, 'BAD_GATEWAY', message);
}
