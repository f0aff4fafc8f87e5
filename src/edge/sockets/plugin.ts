import { CLOSE } from '../../core/close-codes.ts';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { WebSocket } from 'ws';
import { atEndOfTurn } from '../../core/end-of-turn.ts';
import type { OpenRequest, Refusal } from '../../core/events.ts';
import type { AddressRate } from '../../core/address-rate.ts';
import { Expiries } from '../../core/expiries.ts';
import type { Gateway } from '../../core/gateway.ts';
import { CLIENT_GONE } from '../../core/refusals.ts';
import { readTraceparent, readTracestate } from '../../wire/trace.ts';
import type { Tracing, UpgradeSpan } from '../../wire/tracing.ts';
import { refused } from '../../wire/verdicts.ts';
import type { FoundRoute } from '../../wire/client-route.ts';
import type { EntryRequest } from '../../wire/entry.ts';
import { arrivalOf } from '../server/arrival.ts';
import type { HttpSockets } from '../server/http-sockets.ts';
import { takeToken, withoutToken, withoutTokenIn, type Query } from './client-token.ts';
import { Pending, type LetIn, type Pendings } from './pending.ts';
import { TokenCheck } from './token-check.ts';
import { forwardedHeaders, normalize, offeredSubprotocols, upgradeProblem } from './upgrade-request.ts';
import { boundUnfinished } from './unfinished.ts';
import { UpgradeTimers } from './upgrade-timers.ts';
import { closeReason, endOnce, patientWebSocket, WsSocket } from './ws-socket.ts';

export type SocketsOptions = {
  readonly gateway: Gateway;
  /** Or what a client is told whose path no route has. */
  readonly findRoute: (path: string) => FoundRoute | Refusal;
  /** The largest message that any route allows. `Connection` holds each client to the limit of its own route. May grow with time. */
  readonly maxMessageBytes: () => number;
  /** Who a request comes from. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** How often an address may ask; null: as often as it likes. */
  readonly handshakes: AddressRate | null;
  /** Did a request come over TLS, to us or to a trusted proxy? */
  readonly isEncrypted: (request: IncomingMessage) => boolean;
  /** Where sockets are counted until they are clients'. */
  readonly httpSockets: HttpSockets;
  /** The longest that an upgrade may wait for its answer. */
  readonly upgradeTimeoutMs: () => number;
  readonly closeTimeoutMs: number;
  readonly compression: boolean;
  /** Null: nobody wants spans. */
  readonly tracing: Tracing | null;
};

type Traced = FoundRoute & { readonly span: UpgradeSpan | null };

/** Fragments that a message may have beyond one for each of its bytes: empty ones are legal, and no use. */
const EMPTY_FRAGMENTS = 16_384;
/** With compression, a message may inflate to this many times its size on the wire only up to `maxMessageBytes`; smaller ones are not compressed. */
const COMPRESSION_THRESHOLD_BYTES = 1_024;

/** The client side: every upgrade is decided by the gateway before it is done (docs/architecture.md#the-ways-through, "open"). */
async function sockets(server: FastifyInstance, options: SocketsOptions): Promise<void> {
  const pendings: Pendings = new WeakMap();
  const tokens = new TokenCheck(options.gateway);
  const expiries = new Expiries(options.gateway.clock);
  const timers = new UpgradeTimers(options.gateway.clock, options.upgradeTimeoutMs);
  await server.register(websocket, {
    // drain.ts says goodbye; the plugin's own way would close all at once and without a code
    preClose: (done: () => void) => done(),
    errorHandler: () => {},
    options: {
      maxBufferedChunks: 0, // unfinished.ts bounds them by what they cost
      clientTracking: false,
      autoPong: false, // WsSocket answers pings: `ws` would cut off a burst of them
      closeTimeout: options.closeTimeoutMs,
      WebSocket: patientWebSocket(options.gateway.clock, options.closeTimeoutMs),
      perMessageDeflate: options.compression && {
        threshold: COMPRESSION_THRESHOLD_BYTES,
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        concurrencyLimit: 4,
      },
      handleProtocols: (_offered: Set<string>, request: IncomingMessage) => pendings.get(request)?.subprotocol ?? false,
    } as object,
  });
  server.server.on('upgrade', (_request, socket) => ownUpgrade(socket, options.httpSockets, timers)); // after the plugin's listener, which has begun the answer
  server.websocketServer.on('headers', (headers, request) => {
    const pending = pendings.get(request);
    for (const [name, value] of pending?.headers ?? []) headers.push(`${name}: ${value}`);
    // `ws` 8.23.0 lays out the socket with these behind this event, in this turn (test/e2e/route-options.test.ts)
    takeUpTo(pending?.maxMessageBytes ?? 0);
    queueMicrotask(() => takeUpTo(options.maxMessageBytes()));
  });

  server.route({
    method: 'GET',
    url: '*',
    constraints: { upgrade: 'websocket' },
    preValidation: decide,
    handler: (_request, reply) => reply.code(426).send(), // never reached: the constraint lets only upgrades in
    wsHandler(ws: WebSocket, { raw }: FastifyRequest) {
      timers.stop(raw.socket);
      const pending = pendings.get(raw);
      upgraded(ws, raw, pending);
      if (pending !== undefined && 'connection' in pending.decision) watch(pending.decision);
    },
  });

  /** By its token, or by the backend's word. */
  function watch({ connection, expiresAt, verdict }: LetIn): void {
    const until = Math.min(expiresAt ?? Infinity, verdict.expiresAt ?? Infinity);
    if (until < Infinity) expiries.add(connection, until);
  }

  async function decide(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { raw } = request;
    const waitMs = options.handshakes?.take(options.addressOf(raw)) ?? 0;
    if (waitMs > 0) return refuse(reply, tooMany(options.gateway, waitMs)); // by HTTP, whatever the route says: a flood must cost little
    const problem = upgradeProblem(raw);
    if (problem !== null) return refuse(reply, problem);
    takeUpTo(options.maxMessageBytes());
    normalize(raw);
    const path = pathOf(raw.url ?? '/'); // build.ts has made a path of the target
    const found = options.findRoute(path);
    if ('type' in found) return refuse(reply, found);
    const span = options.tracing?.upgrade(arrivalOf(raw, { route: found.route.route.name, remoteAddress: options.addressOf(raw) })) ?? null;
    const decision = await admit(request, path, { ...found, span });
    const { socket } = raw;
    if ('type' in decision) {
      span?.ended(decision.status, null);
      if (found.route.refuseWith === 'http' && decision.closeCode === undefined) return refuse(reply, decision);
    } else if (socket.destroyed || !socket.readable || !socket.writable) {
      span?.ended(CLIENT_GONE.status, decision.connection.id);
      decision.connection.ended(CLOSE.ABNORMAL, ''); // it left while the backend was asked; the backend had accepted, so it is told
      socket.destroy(); // its FIN alone would leave our half open
      return reply.hijack();
    } else {
      span?.ended(101, decision.connection.id);
    }
    pendings.set(
      raw,
      new Pending(decision, socket, 'type' in decision ? subprotocolOfRefusal(entryRequest(raw, found), found, decision) : null),
    );
    // the 101s of one turn leave right after one another, each with what is sent to its client first
    socket.cork();
    atEndOfTurn({ endTurn: () => socket.uncork() });
    return undefined;
  }

  /** For the sockets that are laid out from now on; one that inflates messages takes what any route does. */
  function takeUpTo(bytes: number): void {
    Object.assign(server.websocketServer.options, { maxPayload: bytes, maxFragments: bytes + EMPTY_FRAGMENTS });
  }

  function entryRequest(raw: IncomingMessage, { parameters }: FoundRoute): EntryRequest {
    return {
      parameters,
      subprotocols: offeredSubprotocols(raw),
      authorization: raw.headers.authorization ?? null,
      remoteAddress: options.addressOf(raw),
      userAgent: raw.headers['user-agent'] ?? null,
      date: options.gateway.clock.date(),
    };
  }

  async function admit(request: FastifyRequest, path: string, found: Traced): Promise<LetIn | Refusal> {
    const { gateway } = options;
    const { raw } = request;
    const { route, parameters, span } = found;
    const brought = route.tokens === null ? null : takeToken(raw, request.query as Query);
    if (!route.isOriginAllowed(raw.headers.origin)) return refused(403, 'FORBIDDEN', 'this Origin is not in ORIGINS');
    const granted = route.tokens === null ? null : await tokens.admit(route, route.tokens, { request: raw, brought });
    if (granted !== null && 'type' in granted) return granted;
    const asked = entryRequest(raw, found);
    const entry = route.enter(asked);
    if ('type' in entry) return entry;
    const { subprotocols, authorization, remoteAddress } = asked;
    const { traceparent, tracestate = null } = span ?? traceOf(raw.headers);
    const rawHeaders = granted === null ? raw.rawHeaders : withoutTokenIn(raw.rawHeaders);
    const opened = await gateway.open(
      route.route,
      {
        path,
        query: granted === null ? (request.query as Query) : withoutToken(request.query as Query),
        parameters,
        headers: raw.headers,
        subprotocols,
        remoteAddress,
        authorization,
        traceparent,
        tracestate,
        forwarded: forwardedHeaders(rawHeaders, route.forwardHeaders),
        rawHeaders,
        isEncrypted: options.isEncrypted(raw),
        data: entry.data ?? null,
        clientId: entry.clientId,
        subprotocol: entry.subprotocol,
        tags: granted === null ? route.tags(parameters) : [...route.tags(parameters), ...granted.tags],
      },
      () => hasLeft(raw.socket),
    );
    return 'type' in opened ? opened : { ...opened, expiresAt: granted?.expiresAt ?? null };
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

function upgraded(ws: WebSocket, request: IncomingMessage, pending: Pending | undefined): void {
  const stream: Duplex = request.socket;
  // @fastify/websocket 11.3.6's closure and Node's ServerResponse (24) would keep request and reply alive as long as the socket,
  // 3 KB each; to go when they let go by themselves (test/patched-libraries.test.ts)
  ws.removeAllListeners('error');
  (stream as { _httpMessage?: ServerResponse })._httpMessage?.detachSocket(request.socket);
  if (pending === undefined) return ws.terminate(); // every upgrade has passed `decide`
  pending.done();
  boundUnfinished(ws, stream);
  endOnce(ws, stream);
  const { decision } = pending;
  if ('type' in decision) {
    ws.on('error', () => {});
    ws.close(decision.closeCode ?? 4_000 + decision.status, closeReason(decision.code));
    return;
  }
  const { connection, verdict } = decision;
  connection.attach(new WsSocket(ws, stream, connection), verdict);
}

/**
 * Whoever asks for an upgrade has an end: `ws` takes the socket, or an answer is written and @fastify/websocket ends the
 * socket behind it, or the time is over. `ws` itself takes the time-out off.
 */
function ownUpgrade(stream: Duplex, httpSockets: HttpSockets, timers: UpgradeTimers): void {
  const socket = stream as Socket & { readonly _httpMessage?: ServerResponse | null };
  httpSockets.release(socket);
  timers.start(socket);
  const answer = socket._httpMessage;
  if (!answer || answer.writableEnded) socket.destroySoon(); // no hook runs for a URL that cannot be read
}

function tooMany({ observer }: Gateway, retryAfterMs: number): Refusal {
  const message = 'this address asks for more than HANDSHAKES_PER_SECOND_PER_IP';
  observer.counted('handshakesRefused', 1);
  return { ...refused(429, 'TOO_MANY_HANDSHAKES', message), retryAfterMs };
}

function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  if (refusal.retryAfterMs !== undefined) void reply.header('Retry-After', Math.ceil(refusal.retryAfterMs / 1000));
  void reply.code(refusal.status).headers({ Connection: 'close', ...refusal.headers });
  const { body } = refusal;
  if (body !== undefined) return reply.header('content-type', body.contentType).send(body.data);
  return reply.send({ code: refusal.code, message: refusal.message });
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

export const socketsPlugin = fp(sockets, { name: 'sockets', fastify: '5.x' });
