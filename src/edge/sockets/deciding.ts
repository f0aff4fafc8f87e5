import { CLOSE } from '../../core/close-codes.ts';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AddressRate } from '../../core/address-rate.ts';
import type { OpenRequest, Refusal } from '../../core/events.ts';
import type { Gateway } from '../../core/gateway.ts';
import { CLIENT_GONE } from '../../core/refusals.ts';
import type { FoundRoute } from '../../wire/client-route.ts';
import type { Entry, EntryRequest } from '../../wire/entry.ts';
import { readTraceparent, readTracestate } from '../../wire/trace.ts';
import type { Tracing, UpgradeSpan } from '../../wire/tracing.ts';
import { refused } from '../../wire/verdicts.ts';
import { arrivalOf } from '../server/arrival.ts';
import { pathOf, type Query } from '../server/query.ts';
import { takeToken, withoutToken, withoutTokenIn } from './client-token.ts';
import { TokenCheck, type Granted } from './token-check.ts';
import type { Decided, LetIn } from './upgrade.ts';
import { forwardedHeaders, normalize, offeredSubprotocols, upgradeProblem } from './upgrade-request.ts';

export type DecidingOptions = {
  readonly gateway: Gateway;
  /** Or what a client is told whose path no route has. */
  readonly findRoute: (path: string) => FoundRoute | Refusal;
  /** Who a request comes from. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** How often an address may ask; null: as often as it likes. */
  readonly handshakes: AddressRate | null;
  /** Did a request come over TLS, to us or to a trusted proxy? */
  readonly isEncrypted: (request: IncomingMessage) => boolean;
  /** Null: nobody wants spans. */
  readonly tracing: Tracing | null;
};

type Target = { readonly path: string; readonly query: Query };
type Traced = FoundRoute & { readonly span: UpgradeSpan | null };
type Entering = Traced & { readonly asked: EntryRequest; readonly entry: Entry; readonly granted: Granted | null };

/** A refusal is answered by HTTP. `gone`: the client has left, and its socket is closed. */
export type Decision = Decided | Refusal | 'gone';

/** Every upgrade is decided by the gateway before it is done (docs/architecture.md#the-ways-through, "open"). */
export class Deciding {
  readonly #options: DecidingOptions;
  readonly #tokens: TokenCheck;

  constructor(options: DecidingOptions) {
    this.#options = options;
    this.#tokens = new TokenCheck(options.gateway);
  }

  async decide(request: IncomingMessage, query: Query): Promise<Decision> {
    const options = this.#options;
    const waitMs = options.handshakes?.take(options.addressOf(request)) ?? 0;
    if (waitMs > 0) return tooMany(options.gateway, waitMs); // by HTTP, whatever the route says: a flood must cost little
    const problem = upgradeProblem(request);
    if (problem !== null) return problem;
    normalize(request);
    const path = pathOf(request.url ?? '/'); // a path: `plain-upgrades` takes nothing else, and build.ts has made one of the others' targets
    const found = options.findRoute(path);
    if ('type' in found) return found;
    const span = this.#spanOf(request, found);
    const decision = await this.#admit(request, { path, query }, { ...found, span });
    if ('type' in decision) {
      span?.ended(decision.status, null);
      if (found.route.refuseWith === 'http' && decision.closeCode === undefined) return decision;
      return { decision, subprotocol: subprotocolOfRefusal(this.#entryRequest(request, found), found, decision) };
    }
    const { socket } = request;
    if (socket.destroyed || !socket.readable || !socket.writable) {
      span?.ended(CLIENT_GONE.status, decision.connection.id);
      decision.connection.ended(CLOSE.ABNORMAL, ''); // it left while the backend was asked; the backend had accepted, so it is told
      socket.destroy(); // its FIN alone would leave our half open
      return 'gone';
    }
    span?.ended(101, decision.connection.id);
    return { decision, subprotocol: decision.connection.party.subprotocol };
  }

  #spanOf(request: IncomingMessage, { route }: FoundRoute): UpgradeSpan | null {
    const { tracing, addressOf } = this.#options;
    return tracing?.upgrade(arrivalOf(request, { route: route.route.name, remoteAddress: addressOf(request) })) ?? null;
  }

  #entryRequest(request: IncomingMessage, { parameters }: FoundRoute): EntryRequest {
    return {
      parameters,
      subprotocols: offeredSubprotocols(request),
      authorization: request.headers.authorization ?? null,
      remoteAddress: this.#options.addressOf(request),
      userAgent: request.headers['user-agent'] ?? null,
      date: this.#options.gateway.clock.date(),
    };
  }

  async #admit(request: IncomingMessage, { path, query }: Target, found: Traced): Promise<LetIn | Refusal> {
    const { route } = found;
    const brought = route.tokens === null ? null : takeToken(request, query);
    if (!route.isOriginAllowed(request.headers.origin)) return refused(403, 'FORBIDDEN', 'this Origin is not in ORIGINS');
    const granted = route.tokens === null ? null : await this.#tokens.admit(route, route.tokens, { request, brought });
    if (granted !== null && 'type' in granted) return granted;
    const asked = this.#entryRequest(request, found);
    const entry = route.enter(asked);
    if ('type' in entry) return entry;
    const openRequest = this.#openRequest(request, { path, query }, { ...found, asked, entry, granted });
    const opened = await this.#options.gateway.open(route.route, openRequest, () => hasLeft(request.socket));
    return 'type' in opened ? opened : { connection: opened.connection, verdict: opened.verdict, expiresAt: granted?.expiresAt ?? null };
  }

  #openRequest(
    request: IncomingMessage,
    { path, query }: Target,
    { route, parameters, span, asked, entry, granted }: Entering,
  ): OpenRequest {
    const { headers } = request;
    const { subprotocols, authorization, remoteAddress } = asked;
    const { traceparent, tracestate = null } = span ?? traceOf(headers);
    const rawHeaders = granted === null ? request.rawHeaders : withoutTokenIn(request.rawHeaders);
    const tags = route.tags(parameters);
    return {
      path,
      query: granted === null ? query : withoutToken(query),
      parameters,
      headers,
      subprotocols,
      remoteAddress,
      authorization,
      traceparent,
      tracestate,
      forwarded: forwardedHeaders(rawHeaders, route.forwardHeaders),
      rawHeaders,
      isEncrypted: this.#options.isEncrypted(request),
      data: entry.data ?? null,
      clientId: entry.clientId,
      subprotocol: entry.subprotocol,
      tags: granted === null ? tags : [...tags, ...granted.tags],
    };
  }
}

/**
 * Browsers fail a handshake that names none of the subprotocols that they offered (RFC 6455 §4.1), and never see the
 * code. A dialect that closes by a code of its own says by naming none that there is none in common.
 */
function subprotocolOfRefusal(asked: EntryRequest, { route }: FoundRoute, refusal: Refusal): string | null {
  if (refusal.closeCode !== undefined) return null;
  const entry = route.enter(asked);
  return ('type' in entry ? null : entry.subprotocol) ?? asked.subprotocols[0] ?? null;
}

function tooMany({ observer }: Gateway, retryAfterMs: number): Refusal {
  const message = 'this address asks for more than HANDSHAKES_PER_SECOND_PER_IP';
  observer.counted('handshakesRefused', 1);
  return { ...refused(429, 'TOO_MANY_HANDSHAKES', message), retryAfterMs };
}

/** Reading nothing starts the end-of-stream event of a socket that nobody reads yet; a reset has destroyed it already. */
function hasLeft(socket: Duplex): boolean {
  socket.read(0);
  return socket.destroyed || !socket.readable || socket.readableEnded;
}

/** What is no `traceparent` is as if absent, and a `tracestate` goes with one only (W3C Trace Context §3.3). */
function traceOf({ traceparent, tracestate }: IncomingHttpHeaders): Pick<OpenRequest, 'traceparent' | 'tracestate'> {
  if (typeof traceparent !== 'string' || readTraceparent(traceparent) === null) return { traceparent: null };
  return { traceparent, tracestate: readTracestate(tracestate) };
}
