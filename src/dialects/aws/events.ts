import { CLOSE } from '../../core/close-codes.ts';
import type { CloseEvent, MessageEvent, OpenEvent } from '../../core/events.ts';
import type { Party } from '../../core/party.ts';
import { authorizerHeaders, connectHeaders, disconnectHeaders } from './connect-headers.ts';
import { type ConnectionFacts, readFacts } from './connection-facts.ts';
import { requestTimeOf, type RequestIds } from './request-ids.ts';

/** What a route says of itself in every event. */
export type EventSource = {
  readonly stage: string;
  readonly apiId: string;
  /** Host, with a port if need be, from which handlers make the address of their own calls. */
  readonly domainName: () => string;
  /** The whole address: an extra key, which AWS's own events lack. */
  readonly callbackUrl: () => string;
  /** Null: the stage has none. */
  readonly stageVariables: Readonly<Record<string, string>> | null;
  /** Epoch ms. */
  readonly now: () => number;
};

/** What all messages of one connection say alike, as the pieces of their JSON between what differs. */
export type MessagePieces = { readonly start: string; readonly stage: string; readonly identity: string; readonly end: string };

/** The JSON of AWS's events (Lambda proxy integration), key by key as AWS sends it; what AWS leaves out is absent. */
export class Events {
  readonly #source: EventSource;

  constructor(source: EventSource) {
    this.#source = source;
  }

  connect(event: OpenEvent, ids: RequestIds): string {
    return JSON.stringify({
      ...connectHeaders(event),
      ...queryOf(event),
      ...this.#stageVariables,
      requestContext: this.#context(event.party, ids, { routeKey: '$connect', eventType: 'CONNECT' }),
      isBase64Encoded: false,
    });
  }

  /** What an authorizer function hears of a client. */
  authorize(event: OpenEvent, ids: RequestIds, methodArn: string): string {
    return JSON.stringify({
      type: 'REQUEST',
      methodArn,
      ...authorizerHeaders(event),
      ...queryOf(event),
      stageVariables: this.#source.stageVariables ?? {},
      requestContext: this.#context(event.party, ids, { routeKey: '$connect', eventType: 'CONNECT' }),
    });
  }

  /** On the path of every message: only what differs is written. */
  message(
    event: MessageEvent,
    ids: RequestIds,
    { routeKey, pieces }: { readonly routeKey: string; readonly pieces: MessagePieces },
  ): string {
    const { start, stage, identity, end } = pieces;
    const now = this.#source.now();
    const body = event.isBinary ? event.data.toString('base64') : event.data.toString();
    return (
      `${start}{"routeKey":${JSON.stringify(routeKey)},"messageId":"${ids.messageId}","eventType":"MESSAGE","extendedRequestId":"${ids.requestId}",` +
      `"requestTime":"${requestTimeOf(now)}","messageDirection":"IN",${stage},"requestTimeEpoch":${now},${identity},` +
      `"requestId":"${ids.requestId}",${end}},"body":${JSON.stringify(body)},"isBase64Encoded":${event.isBinary}}`
    );
  }

  disconnect(event: CloseEvent, ids: RequestIds): string {
    const { code, reason } = toldEnd(event);
    const context = this.#context(event.party, ids, {
      routeKey: '$disconnect',
      disconnectStatusCode: code,
      eventType: 'DISCONNECT',
      disconnectReason: reason,
    });
    return JSON.stringify({
      ...disconnectHeaders(this.#source.domainName()),
      ...this.#stageVariables,
      requestContext: context,
      isBase64Encoded: false,
    });
  }

  get #stageVariables(): object {
    const { stageVariables } = this.#source;
    return stageVariables === null ? {} : { stageVariables };
  }

  #context(party: Party, { requestId }: RequestIds, own: Readonly<Record<string, unknown>>): object {
    const { stage, apiId, domainName, callbackUrl, now } = this.#source;
    const facts = readFacts(party.data);
    const time = now();
    return {
      ...own,
      extendedRequestId: requestId,
      requestTime: requestTimeOf(time),
      messageDirection: 'IN',
      stage,
      connectedAt: facts.connectedAt,
      requestTimeEpoch: time,
      identity: identityOf(facts),
      requestId,
      domainName: domainName(),
      connectionId: party.id,
      apiId,
      ...(facts.authorizer !== null && { authorizer: facts.authorizer }),
      callbackUrl: callbackUrl(),
    };
  }

  pieces(party: Party): MessagePieces {
    const { stage, apiId, domainName, callbackUrl, stageVariables } = this.#source;
    const facts = readFacts(party.data);
    const last = {
      domainName: domainName(),
      connectionId: party.id,
      apiId,
      ...(facts.authorizer !== null && { authorizer: facts.authorizer }),
      callbackUrl: callbackUrl(),
    };
    return {
      start: stageVariables === null ? '{"requestContext":' : `{"stageVariables":${JSON.stringify(stageVariables)},"requestContext":`,
      stage: `"stage":${JSON.stringify(stage)},"connectedAt":${facts.connectedAt}`,
      identity: `"identity":${JSON.stringify(identityOf(facts))}`,
      end: JSON.stringify(last).slice(1, -1),
    };
  }
}

function identityOf({ sourceIp, userAgent }: ConnectionFacts): object {
  return userAgent === null ? { sourceIp } : { sourceIp, userAgent };
}

/** Absent where the client sent no query. */
function queryOf({ request }: OpenEvent): object {
  const entries = Object.entries(request.query).map(([name, value]) => [name, Array.isArray(value) ? value : [value]] as const);
  if (entries.length === 0) return {};
  return {
    queryStringParameters: Object.fromEntries(entries.map(([name, values]) => [name, values.at(-1) ?? ''])),
    multiValueQueryStringParameters: Object.fromEntries(entries),
  };
}

/** How AWS words the ends that it has a word for. */
function toldEnd({ code, reason }: CloseEvent): { readonly code: number; readonly reason: string } {
  if (code === CLOSE.NO_STATUS && reason === '') return { code, reason: 'Client-side close frame status not set' };
  if (OWN_REASONS.has(reason)) return { code: CLOSE.GOING_AWAY, reason: 'Going away' };
  return { code, reason: reason.toWellFormed() };
}

/** What the gateway itself says of a client that answers no ping, whose time is over, or that it says goodbye to. */
const OWN_REASONS: ReadonlySet<string> = new Set(['ping timeout', 'going away']);
