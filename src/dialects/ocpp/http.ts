import { EventHeaders, type EventHeaderOptions } from '../../wire/event-headers.ts';
import type { CloseEvent, OpenEvent } from '../../core/events.ts';
import type { Party } from '../../core/party.ts';
import type { Limits } from '../../core/limits.ts';
import { closeProfile, maxAnswerBytes, type BackendCall, type BackendResult, type CallProfile } from '../../wire/calls.ts';
import { codingProblem } from '../../wire/http-messages.ts';
import { internalError, readError } from './errors.ts';
import { parseJson, readPayload } from './json.ts';
import { pathOf } from './segments.ts';
import type { CallAnswer, Delivery, ServedCall } from './state.ts';
import type { OcppVersion } from './versions.ts';

export type OcppHttpOptions = EventHeaderOptions & {
  /** Path, and query if any, of the backend. */
  readonly backendPath: string;
  readonly limits: Limits;
  readonly callTimeoutMs: number;
};

/** The requests to a backend (docs/dialects/ocpp.md#what-your-backend-is-asked), as pure functions. */
export class OcppHttp {
  readonly #options: OcppHttpOptions;
  readonly #headers: EventHeaders;
  readonly #connect: CallProfile;
  readonly #call: CallProfile;
  readonly #told: CallProfile;
  readonly #disconnect: CallProfile;

  constructor(options: OcppHttpOptions) {
    this.#options = options;
    this.#headers = new EventHeaders(options);
    const { openTimeoutMs, backendTimeoutMs } = options.limits;
    const shared = { method: 'POST', maxAnswerBytes: maxAnswerBytes(options.limits) } as const;
    const callTimeoutMs = Math.min(backendTimeoutMs, options.callTimeoutMs);
    this.#connect = { ...shared, kind: 'open', isIdempotent: false, timeoutMs: openTimeoutMs, wantsBody: false };
    this.#call = { ...shared, kind: 'message', isIdempotent: false, timeoutMs: callTimeoutMs, wantsBody: true };
    // an answer or SEND that comes twice is known by its message id and event id
    this.#told = { ...shared, kind: 'message', isIdempotent: true, timeoutMs: backendTimeoutMs, wantsBody: false };
    this.#disconnect = closeProfile(options.limits);
  }

  connect(event: OpenEvent): BackendCall {
    const { party, request } = event;
    const { wsUri, limits } = this.#options;
    const body = JSON.stringify({
      code: 'NEW_CONNECTION',
      ws_uri: wsUri(party.id),
      timeout: limits.idleTimeoutMs,
      id: party.id,
      path: request.path,
      query: request.query,
      subprotocol: request.subprotocol,
      subprotocols: request.subprotocols,
      remote_address: request.remoteAddress,
    });
    return {
      profile: this.#connect,
      path: this.#path(['connect', party.id]),
      headers: json(this.#headers.open(event), request.subprotocol),
      body,
    };
  }

  call(caller: Party, { id, action, payloadJson, seq }: ServedCall): BackendCall {
    return {
      profile: this.#call,
      path: this.#path(['call', action, caller.id, id]),
      ...this.#message(caller, seq),
      body: payloadJson,
    };
  }

  delivery(caller: Party, { type, id, action, bodyJson, seq }: Delivery): BackendCall {
    return { profile: this.#told, path: this.#path([type, action, caller.id, id]), ...this.#message(caller, seq), body: bodyJson };
  }

  disconnect(event: CloseEvent): BackendCall {
    const { party, code, reason } = event;
    const body = JSON.stringify({
      code: 'CONNECTION_CLOSE',
      ws_uri: this.#options.wsUri(party.id),
      id: party.id,
      close_code: code,
      close_reason: reason,
    });
    return { profile: this.#disconnect, path: this.#path(['connect', party.id]), headers: json(this.#headers.close(event), null), body };
  }

  #message(caller: Party, seq: number): Required<Pick<BackendCall, 'headers' | 'partyHeaders'>> {
    const { headers, partyHeaders } = this.#headers.message({ party: caller, seq });
    return { headers: json(headers, caller.subprotocol), partyHeaders };
  }

  #path(parts: readonly string[]): string {
    return pathOf(this.#options.backendPath, parts);
  }
}

function json(headers: string[], subprotocol: string | null): string[] {
  headers.push('content-type', 'application/json');
  if (subprotocol !== null) headers.push('ws-subprotocol', subprotocol);
  return headers;
}

/** What a client's CALL is answered with (docs/dialects/ocpp.md#what-your-backend-is-asked): a 2xx JSON object, else an error of the backend's choice, else ours. */
export function readCallAnswer(version: OcppVersion, result: BackendResult): CallAnswer {
  if (result.type === 'failure') {
    return failed(result.reason === 'timeout' ? 'the backend did not answer in time' : 'the backend could not be asked');
  }
  const { status, body } = result;
  const problem = codingProblem(result);
  if (problem !== null) return failed(`the backend gave ${problem}`);
  if (status >= 200 && status < 300) {
    const payloadJson = readPayload(body);
    return payloadJson === null ? failed('the answer of the backend is not a JSON object') : { type: 'result', payloadJson };
  }
  const error = status >= 400 ? readError(version, parseJson(body)?.value) : null;
  return error === null ? failed(`the backend answered with status ${status}`) : { type: 'error', error };
}

/** Has the backend taken an answer or a SEND? Null: yes. Else why it is to be repeated, by the same rule as any message (docs/contract.md#repetitions). */
export function whyUndelivered(result: BackendResult): string | null {
  if (result.type === 'failure') return result.reason;
  return result.status >= 502 && result.status <= 504 ? `status ${result.status}` : null;
}

function failed(description: string): CallAnswer {
  return { type: 'error', error: internalError(description) };
}
