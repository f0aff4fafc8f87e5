import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { WebSocket } from 'ws';
import type { Refusal } from '../../core/events.ts';
import type { Admission, Gateway } from '../../core/gateway.ts';
import { refused } from '../../wire/verdicts.ts';
import type { FoundRoute } from '../../wire/client-route.ts';
import { forwardedHeaders, offeredSubprotocols, upgradeProblem } from './upgrade-request.ts';
import { WsSocket } from './ws-socket.ts';

export type SocketsOptions = {
  readonly gateway: Gateway;
  readonly findRoute: (path: string) => FoundRoute | null;
  /** Of the route that allows most; `Connection` knows its own. */
  readonly maxMessageBytes: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerIp: number;
  readonly closeTimeoutMs: number;
  readonly compression: boolean;
};

declare module 'fastify' {
  interface FastifyRequest {
    /** Of an upgrade request: what was decided before the upgrade. */
    decision: Admission | Refusal | null;
    refuseWith: 'http' | 'close';
    /** Called when the upgrade is done: from now on the WebSocket tells of the connection's end. */
    upgraded: (() => void) | null;
  }
}

/** Repeated messages of a hostile peer: what `ws` may buffer for one message that arrives in very many pieces. */
const MAX_FRAGMENTS = 16_384;
/** With compression, a message may inflate to this many times its size on the wire only up to `maxMessageBytes`; smaller ones are not compressed. */
const COMPRESSION_THRESHOLD_BYTES = 1_024;

/** The client side: every upgrade is decided by the gateway before it is done (DESIGN §4 "open"). */
async function sockets(server: FastifyInstance, options: SocketsOptions): Promise<void> {
  server.decorateRequest('decision', null);
  server.decorateRequest('refuseWith', 'http');
  server.decorateRequest('upgraded', null);
  await server.register(websocket, {
    // drain.ts says goodbye; the plugin's own way would close all at once and without a code
    preClose: (done: () => void) => done(),
    errorHandler: () => {},
    options: {
      maxPayload: options.maxMessageBytes,
      maxFragments: MAX_FRAGMENTS,
      clientTracking: false,
      autoPong: false, // WsSocket answers pings: `ws` would cut off a burst of them
      closeTimeout: options.closeTimeoutMs,
      perMessageDeflate: options.compression && {
        threshold: COMPRESSION_THRESHOLD_BYTES,
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        concurrencyLimit: 4,
      },
      handleProtocols: (_offered: Set<string>, request: object) => subprotocols.get(request) ?? false,
    } as object,
  });
  const subprotocols = new WeakMap<object, string>();
  const upgradeHeaders = new WeakMap<object, readonly (readonly [string, string])[]>();
  server.websocketServer.on('headers', (headers, request) => {
    for (const [name, value] of upgradeHeaders.get(request) ?? []) headers.push(`${name}: ${value}`);
  });

  server.route({
    method: 'GET',
    url: '*',
    constraints: { upgrade: 'websocket' },
    preValidation: decide,
    handler: (_request, reply) => reply.code(426).send(), // never reached: the constraint lets only upgrades in
    wsHandler: upgraded,
  });

  async function decide(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const problem = upgradeProblem(request.raw);
    if (problem !== null) return refuse(reply, problem);
    const decision = await admit(request);
    request.decision = decision;
    if ('type' in decision) {
      return request.refuseWith === 'close' || decision.closeCode !== undefined ? undefined : refuse(reply, decision);
    }
    const { connection, verdict } = decision;
    const { subprotocol } = connection.party;
    if (subprotocol !== null) subprotocols.set(request.raw, subprotocol);
    if (verdict.headers.length > 0) upgradeHeaders.set(request.raw, verdict.headers);
    const { socket } = request.raw;
    if (socket.destroyed || !socket.readable || !socket.writable) {
      connection.ended(1006, ''); // it left while the backend was asked; the backend had accepted, so it is told
      socket.destroy(); // its FIN alone would leave our half open
      return reply.hijack();
    }
    // `ws` may still refuse what it reads more strictly than we do, an extension offer for example
    const abandon = (): void => connection.ended(1006, '');
    socket.once('close', abandon);
    request.upgraded = () => socket.off('close', abandon);
    return undefined;
  }

  async function admit(request: FastifyRequest): Promise<Admission | Refusal> {
    const { gateway } = options;
    const { raw } = request;
    const url = raw.url ?? '/';
    const end = url.indexOf('?');
    const path = end < 0 ? url : url.slice(0, end);
    const found = options.findRoute(path);
    if (found === null) return refused(404, 'NOT_FOUND', 'no route has this path');
    const { route, parameters } = found;
    request.refuseWith = route.refuseWith;
    if (!route.isOriginAllowed(raw.headers.origin)) return refused(403, 'FORBIDDEN', 'this Origin is not in ORIGINS');
    const full = fullness(gateway, request.ip);
    if (full !== null) return full;
    const subprotocols = offeredSubprotocols(raw);
    const authorization = raw.headers.authorization ?? null;
    const entry = route.enter({ parameters, subprotocols, authorization });
    if ('type' in entry) return entry;
    return gateway.open(
      route.route,
      {
        path,
        query: request.query as Record<string, string | string[]>,
        subprotocols,
        remoteAddress: request.ip,
        authorization,
        traceparent: traceparentOf(raw.headers['traceparent']),
        forwarded: forwardedHeaders(raw, route.forwardHeaders),
        clientId: entry.clientId,
        subprotocol: entry.subprotocol,
        tags: route.tags(parameters),
      },
      () => hasLeft(raw.socket),
    );
  }

  function fullness(gateway: Gateway, address: string): Refusal | null {
    if (gateway.isDraining) return { ...refused(503, 'UNAVAILABLE', 'this gateway is shutting down'), retryAfterMs: 1_000 };
    if (gateway.occupied >= options.maxConnections) {
      return {
        ...refused(503, 'UNAVAILABLE', `this gateway holds its ${options.maxConnections} connections (MAX_CONNECTIONS)`),
        retryAfterMs: 5_000,
      };
    }
    if (gateway.connections.countOf(address) >= options.maxConnectionsPerIp) {
      return { ...refused(429, 'TOO_MANY_CONNECTIONS', 'this address holds MAX_CONNECTIONS_PER_IP connections'), retryAfterMs: 5_000 };
    }
    return null;
  }
}

function upgraded(ws: WebSocket, request: FastifyRequest): void {
  const { decision, raw } = request;
  const stream: Duplex = raw.socket;
  // @fastify/websocket's closure and Node's ServerResponse would keep request and reply alive as long as the socket: 3 KB each
  ws.removeAllListeners('error');
  (stream as { _httpMessage?: ServerResponse })._httpMessage?.detachSocket(raw.socket);
  if (decision === null || 'type' in decision) {
    ws.on('error', () => {});
    ws.close(decision?.closeCode ?? 4_000 + (decision?.status ?? 500), decision?.code ?? 'INTERNAL_ERROR');
    return;
  }
  request.upgraded?.();
  decision.connection.attach(new WsSocket(ws, stream, decision.connection), decision.verdict);
}

function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  if (refusal.retryAfterMs !== undefined) void reply.header('Retry-After', Math.ceil(refusal.retryAfterMs / 1000));
  return reply
    .code(refusal.status)
    .headers({ Connection: 'close', ...refusal.headers })
    .send({ code: refusal.code, message: refusal.message });
}

/** Reading nothing starts the end-of-stream event of a socket that nobody reads yet; a reset has destroyed it already. */
function hasLeft(socket: Duplex): boolean {
  socket.read(0);
  return socket.destroyed || !socket.readable || socket.readableEnded;
}

/** W3C Trace Context §3.2, version 00. Anything else is as if absent. */
function traceparentOf(value: string | string[] | undefined): string | null {
  return typeof value === 'string' && /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.test(value) ? value : null;
}

export const socketsPlugin = fp(sockets, { name: 'sockets', fastify: '5.x' });
