import type { CloseEvent, CloseVerdict, MessageEvent, MessageVerdict, OpenEvent, OpenVerdict, Refusal } from '../../core/events.ts';
import { CLOSE_DELIVERED, DELIVERED } from '../../core/events.ts';
import type { Party } from '../../core/party.ts';
import { unusable } from '../../core/refusals.ts';
import { type BackendAnswer, type BackendFailure, maxAnswerBytes, retryAfterMs } from '../../wire/calls.ts';
import type { FunctionCall, FunctionResult } from '../../wire/functions.ts';
import { parseJson } from '../../wire/http-messages.ts';
import { traceOf, type Trace } from '../../wire/trace.ts';
import { closeVerdict, readSetTags } from '../../wire/verdicts.ts';
import { encodedId } from '../../wire/ws-uris.ts';
import type { Allowed } from './authorization.ts';
import type { AwsApi, AwsFunction } from './api.ts';
import { readFacts, writeFacts } from './connection-facts.ts';
import { Events, type MessagePieces } from './events.ts';
import { errorFrame, FRAME_MESSAGES, type FrameMessage } from './frames.ts';
import { acceptedHeaders, awsRefusal, openEventId, refusedByFunction } from './refusing.ts';
import { MessageIds, requestIdsOf } from './request-ids.ts';
import { readEnvelope, readHttp, textOf, type Returned } from './returned.ts';

/** What is to be done about an event: a function is called, or the verdict is there already. */
export type Step<Verdict> =
  | { readonly type: 'call'; readonly fn: AwsFunction; readonly call: FunctionCall }
  | { readonly type: 'settled'; readonly verdict: Verdict };

type Accepted = Extract<OpenVerdict, { type: 'accepted' }>;

/** What all messages of one connection say alike, until its tags change. */
type Alike = { readonly pieces: MessagePieces; readonly ids: MessageIds; readonly headers: readonly string[]; readonly trace: Trace };

const ACCEPTED: Accepted = { type: 'accepted', tags: null, data: null, subprotocol: null, message: null, headers: [] };
/** A $disconnect whose function threw is told again after this. */
const THROWN_AGAIN_MS = 30_000;

/** docs/dialects/aws.md as pure functions: events become calls of functions, and what comes of them verdicts. */
export class AwsCodec {
  readonly #api: AwsApi;
  readonly #events: Events;
  readonly #wsUri: (id: string) => string;
  readonly #maxAnswerBytes: number;

  constructor(api: AwsApi, wsUri: (id: string) => string) {
    this.#api = api;
    this.#events = new Events(api);
    this.#wsUri = wsUri;
    this.#maxAnswerBytes = maxAnswerBytes(api.limits);
  }

  encodeOpen(event: OpenEvent, allowed: Allowed | null): Step<OpenVerdict> {
    const fn = this.#api.functions.get('$connect');
    if (fn === undefined) return { type: 'settled', verdict: this.#accepted(event, allowed, ACCEPTED) };
    const { party } = event;
    const eventId = openEventId(party.key);
    const ids = requestIdsOf(eventId);
    const told = { ...event, party: party.with({ data: dataOf(event, allowed) }) };
    const headers = [
      ...this.#headers(party, 'open', '$connect'),
      'ws-event-id',
      eventId,
      'ws-seq',
      '0',
      'traceparent',
      traceOf(party).spanOf(0),
    ];
    return {
      type: 'call',
      fn,
      call: this.#call('open', fn, { connectionId: party.id, payload: this.#events.connect(told, ids), requestId: ids.requestId, headers }),
    };
  }

  decodeOpen(event: OpenEvent, allowed: Allowed | null, result: FunctionResult): OpenVerdict {
    if (result.type === 'failure') return result.isRefusal === true ? notRun(event) : unansweredOpen(event, result);
    if (result.type === 'threw') return result.isRefusal === true ? notRun(event) : badGateway(event);
    if (result.type === 'answered' && isEnvelope(this.#api.functions.get('$connect'))) return badGateway(event); // no function said it
    const returned = readResult(result);
    if (returned.type !== 'answer' || returned.status < 200) return badGateway(event);
    if (returned.status > 299) return refusedByFunction(event, returned);
    const { headers } = returned;
    const tags = readSetTags(headers);
    if (typeof tags === 'string') return unusable(tags);
    const chosen = textOf(headers['sec-websocket-protocol'])?.trim();
    const subprotocol = chosen !== undefined && event.request.subprotocols.includes(chosen) ? chosen : null;
    const verdict = { ...ACCEPTED, subprotocol, tags: tags === null ? null : new Map(tags), headers: acceptedHeaders(headers) };
    return this.#accepted(event, allowed, verdict);
  }

  #accepted(event: OpenEvent, allowed: Allowed | null, verdict: Accepted): OpenVerdict {
    const data = dataOf(event, allowed);
    return allowed === null || allowed.expiresAt === null ? { ...verdict, data } : { ...verdict, data, expiresAt: allowed.expiresAt };
  }

  encodeMessage(event: MessageEvent): Step<MessageVerdict> {
    const { party, seq } = event;
    const fn = this.#functionOf(event);
    const { pieces, ids: series, headers: common, trace } = party.derived(this.#alike);
    const ids = series.of(seq);
    if (fn === null)
      return {
        type: 'settled',
        verdict: failed(event, ids.requestId, { message: FRAME_MESSAGES.noRoute, because: 'no route has this message' }),
      };
    const headers = common.concat([
      'ws-event-id',
      `${party.key}.${seq}`,
      'ws-seq',
      String(seq),
      'traceparent',
      trace.spanOf(seq),
      'ws-route',
      fn.encodedKey,
    ]);
    const payload = this.#events.message(event, ids, { routeKey: fn.routeKey, pieces });
    return { type: 'call', fn, call: this.#call('message', fn, { connectionId: party.id, payload, requestId: ids.requestId, headers }) };
  }

  decodeMessage(
    event: MessageEvent,
    { fn, call: { requestId } }: Extract<Step<never>, { type: 'call' }>,
    result: FunctionResult,
  ): MessageVerdict {
    if (result.type === 'failure') return this.#undelivered(event, requestId, result);
    if (result.type === 'threw') return failed(event, requestId, { because: `the function threw ${result.errorType}` });
    if (result.type === 'answered' && (result.answer.status >= 500 || isEnvelope(fn)))
      return this.#failedAnswer(event, requestId, result.answer);
    const returned = readResult(result, fn.isTwoWay);
    if (returned.type === 'nothing' && !fn.isTwoWay) return DELIVERED;
    if (returned.type === 'nothing') return failed(event, requestId, { because: 'the function returned nothing' });
    if (returned.type === 'malformed')
      return failed(event, requestId, { because: `what the function returned is malformed: ${returned.detail}` });
    const { status, body } = returned;
    if (status >= this.#api.errorFrameFromStatus) return failed(event, requestId, { because: `status ${status}` });
    return this.#delivered(returned, fn.isTwoWay ? body : null);
  }

  encodeClose(event: CloseEvent): Step<CloseVerdict> {
    const fn = this.#api.functions.get('$disconnect');
    if (fn === undefined) return { type: 'settled', verdict: CLOSE_DELIVERED };
    const { party, seq } = event;
    const eventId = `${party.key}.close`;
    const ids = requestIdsOf(eventId);
    const headers = this.#headers(party, 'close', '$disconnect');
    headers.push('ws-event-id', eventId, 'traceparent', traceOf(party).spanOf(seq ?? 0xffffffff));
    if (seq !== null) headers.push('ws-seq', String(seq));
    headers.push('ws-close-code', String(event.code), 'ws-close-reason', encodeURIComponent(event.reason.toWellFormed()));
    if (event.isOrphan) headers.push('ws-orphan', 'true');
    return {
      type: 'call',
      fn,
      call: this.#call('close', fn, {
        connectionId: party.id,
        payload: this.#events.disconnect(event, ids),
        requestId: ids.requestId,
        headers,
      }),
    };
  }

  /** A function that has been told and threw has been told; only who asks for it hears of it again. */
  decodeClose(_event: CloseEvent, result: FunctionResult): CloseVerdict {
    if (result.type === 'failure') return { type: 'retry', afterMs: null, because: result.reason };
    if (result.type === 'answered') return closeVerdict(result.answer);
    if (!this.#api.repeatsThrown) return CLOSE_DELIVERED;
    if (result.type === 'threw') return { type: 'retry', afterMs: THROWN_AGAIN_MS, because: `the function threw ${result.errorType}` };
    const returned = readResult(result);
    const isFailed = returned.type === 'answer' && returned.status >= 500;
    return isFailed ? { type: 'retry', afterMs: THROWN_AGAIN_MS, because: `status ${returned.status}` } : CLOSE_DELIVERED;
  }

  /** A client's data never chooses a route of ours: what begins with a dollar sign is no name of its own. */
  #functionOf({ data, isBinary }: MessageEvent): AwsFunction | null {
    const { functions, select } = this.#api;
    if (select !== null && !isBinary) {
      const key = select(jsonOf(data));
      const chosen = key.startsWith('$') ? undefined : functions.get(key);
      if (chosen !== undefined) return chosen;
    }
    return functions.get('$default') ?? null;
  }

  /** What never reached the function is held and tried again; then, and where it may have, the client is told. */
  #undelivered(event: MessageEvent, requestId: string, { reason, wasSent }: BackendFailure): MessageVerdict {
    const word = reason === 'timeout' ? FRAME_MESSAGES.timedOut : FRAME_MESSAGES.failed;
    const told = failed(event, requestId, { message: word, because: wasSent ? `${reason} after it was sent` : reason });
    return wasSent || this.#api.isStrict
      ? told
      : { type: 'retry', afterMs: null, because: reason, lastWord: errorFrame(word, event.party.id, requestId) };
  }

  #failedAnswer(event: MessageEvent, requestId: string, answer: BackendAnswer): MessageVerdict {
    const { status } = answer;
    const because = `status ${status}`;
    const told = failed(event, requestId, { because });
    const isAway = status === 503 && !this.#api.isStrict; // RFC 9110 §15.6.4: it was not done
    const afterMs = retryAfterMs(answer, this.#api.now());
    return isAway ? { type: 'retry', afterMs, because, lastWord: errorFrame(FRAME_MESSAGES.failed, event.party.id, requestId) } : told;
  }

  #delivered(
    { status, headers }: Extract<Returned, { type: 'answer' }>,
    reply: Extract<Returned, { type: 'answer' }>['body'],
  ): MessageVerdict {
    const tags = status < 300 ? readSetTags(headers) : null;
    const complaints = [...(status < 200 || status > 299 ? [`status ${status}`] : []), ...(typeof tags === 'string' ? [tags] : [])];
    if (reply === null && tags === null && complaints.length === 0) return DELIVERED;
    return {
      type: 'delivered',
      reply,
      complaint: complaints.length === 0 ? null : complaints.join('; '),
      tags: typeof tags === 'string' ? null : tags,
    };
  }

  readonly #alike = (party: Party): Alike => ({
    pieces: this.#events.pieces(party),
    ids: new MessageIds(party.key),
    headers: this.#headers(party, 'message', null),
    trace: traceOf(party),
  });

  #headers(party: Party, event: 'open' | 'message' | 'close', routeKey: string | null): string[] {
    const headers = ['ws-uri', this.#wsUri(party.id), 'ws-connection', encodedId(party.id), 'ws-event', event];
    if (party.tags !== null && party.tags.size > 0) headers.push('ws-tags', new URLSearchParams([...party.tags]).toString());
    if (routeKey !== null) headers.push('ws-route', encodeURIComponent(routeKey));
    if (party.tracestate !== null) headers.push('tracestate', party.tracestate);
    return headers;
  }

  #call(kind: FunctionCall['kind'], { timeoutMs }: AwsFunction, own: Own): FunctionCall {
    return { kind, timeoutMs, maxAnswerBytes: this.#maxAnswerBytes, ...own };
  }
}

type Own = Pick<FunctionCall, 'connectionId' | 'payload' | 'requestId' | 'headers'>;

/** Does its target say by its body what the function returned? Then another status than 2xx is not the function's. */
function isEnvelope(fn: AwsFunction | undefined): boolean {
  return fn?.target.type !== 'webhook' || fn.target.answer === 'envelope';
}

/** A body that nobody wants is not looked into. */
function readResult(result: Extract<FunctionResult, { type: 'returned' | 'answered' }>, wantsBody = true): Returned {
  if (result.type === 'returned') return readEnvelope(result.payload);
  return wantsBody ? readHttp(result.answer) : { type: 'answer', status: result.answer.status, headers: result.answer.headers, body: null };
}

/** Undefined where it is no JSON. */
function jsonOf(data: Buffer): unknown {
  try {
    return parseJson(data);
  } catch {
    return undefined;
  }
}

function dataOf({ party }: OpenEvent, allowed: Allowed | null): string | null {
  if (allowed === null) return party.data;
  const { context, principalId, latencyMs } = allowed;
  return writeFacts({
    ...readFacts(party.data),
    authorizer: { ...context, ...(principalId !== null && { principalId }), integrationLatency: latencyMs },
  });
}

/** Of which message the client is told (default: that something failed), and why. */
type Failing = { readonly message?: FrameMessage; readonly because: string };

/** The message is done with; its sender gets the frame that AWS sends. */
function failed({ party }: MessageEvent, requestId: string, { message, because }: Failing): MessageVerdict {
  return { type: 'delivered', reply: errorFrame(message ?? FRAME_MESSAGES.failed, party.id, requestId), complaint: because };
}

function badGateway(event: OpenEvent): Refusal {
  return awsRefusal(event, { status: 502, code: 'BAD_GATEWAY', message: FRAME_MESSAGES.failed });
}

/** The function was not run: it may not be called, or not now. */
function notRun(event: OpenEvent): Refusal {
  return awsRefusal(event, { status: 500, code: 'INTERNAL_ERROR', message: FRAME_MESSAGES.failed });
}

/** No whole answer to $connect. A call that was sent may have been accepted; the backend of every dialect is told of its end then. */
function unansweredOpen(event: OpenEvent, { reason }: BackendFailure): OpenVerdict {
  if (reason === 'timeout') return awsRefusal(event, { status: 504, code: 'GATEWAY_TIMEOUT', message: FRAME_MESSAGES.timedOut });
  return badGateway(event);
}
