import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { WebSocket } from 'ws';
import type { Refusal } from '../core/events.ts';
import type { Admission, Gateway } from '../core/gateway.ts';
import type { Route } from '../core/route.ts';
import { forwardedHeaders, offeredSubprotocols, upgradeProblem } from './upgrade-request.ts';
import { WsSocket } from './ws-socket.ts';

export type SocketsOptions = {
  readonly gateway: Gateway;
  readonly findRoute: (path: string) => Route | null;
  readonly isOriginAllowed: (origin: string | undefined) => boolean;
  readonly forwardHeaders: ReadonlySet<string>;
  readonly refuseWith: 'http' | 'close';
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
  }
}

/** Repeated messages of a hostile peer: what `ws` may buffer for one message that arrives in very many pieces. */
const MAX_FRAGMENTS = 16_384;
/** With compression, a message may inflate to this many times its size on the wire only up to `maxMessageBytes`; smaller ones are not compressed. */
const COMPRESSION_THRESHOLD_BYTES = 1_024;

/** The client side: every upgrade is decided by the gateway before it is done (DESIGN §4 "open"). */
async function sockets(server: FastifyInstance, options: SocketsOptions): Promise<void> {
  server.decorateRequest('decision', null);
  await server.register(websocket, {
    // drain.ts says goodbye; the plugin's own way would close all at once and without a code
    preClose: (done: () => void) => done(),
    errorHandler: () => {},
    options: {
      maxPayload: options.maxMessageBytes,
      maxFragments: MAX_FRAGMENTS,
      clientTracking: false,
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
    if (problem !== null) return refuse(reply, problem, problem.headers);
    const decision = await admit(request);
    request.decision = decision;
    if ('type' in decision) return options.refuseWith === 'close' ? undefined : refuse(reply, decision);
    const { connection, verdict } = decision;
    if (verdict.subprotocol !== null) subprotocols.set(request.raw, verdict.subprotocol);
    if (verdict.headers.length > 0) upgradeHeaders.set(request.raw, verdict.headers);
    const { socket } = request.raw;
    if (socket.destroyed || !socket.readable || !socket.writable) {
      connection.ended(1006, ''); // it left while the backend was asked; the backend had accepted, so it is told
      return reply.hijack();
    }
    return undefined;
  }

  async function admit(request: FastifyRequest): Promise<Admission | Refusal> {
    const { gateway } = options;
    const { raw } = request;
    if (!options.isOriginAllowed(raw.headers.origin)) return refusal(403, 'FORBIDDEN', 'this Origin is not in ORIGINS');
    if (gateway.isDraining) return { ...refusal(503, 'UNAVAILABLE', 'this gateway is shutting down'), retryAfterMs: 1_000 };
    if (gateway.occupied >= options.maxConnections) {
      return {
        ...refusal(503, 'UNAVAILABLE', `this gateway holds its ${options.maxConnections} connections (MAX_CONNECTIONS)`),
        retryAfterMs: 5_000,
      };
    }
    if (gateway.connections.countOf(request.ip) >= options.maxConnectionsPerIp) {
      return { ...refusal(429, 'TOO_MANY_CONNECTIONS', 'this address holds MAX_CONNECTIONS_PER_IP connections'), retryAfterMs: 5_000 };
    }
    const url = raw.url ?? '/';
    const end = url.indexOf('?');
    const path = end < 0 ? url : url.slice(0, end);
    const route = options.findRoute(path);
    if (route === null) return refusal(404, 'NOT_FOUND', 'no route has this path');
    return gateway.open(
      route,
      {
        path,
        query: request.query as Record<string, string | string[]>,
        subprotocols: offeredSubprotocols(raw),
        remoteAddress: request.ip,
        authorization: raw.headers.authorization ?? null,
        traceparent: traceparentOf(raw.headers['traceparent']),
        forwarded: forwardedHeaders(raw, options.forwardHeaders),
      },
      () => hasLeft(raw.socket),
    );
  }

  function upgraded(ws: WebSocket, request: FastifyRequest): void {
    const { decision, raw } = request;
    const stream: Duplex = raw.socket;
    // @fastify/websocket's closure and Node's ServerResponse would keep request and reply alive as long as the socket: 3 KB each
    ws.removeAllListeners('error');
    (stream as { _httpMessage?: ServerResponse })._httpMessage?.detachSocket(raw.socket);
    if (decision === null || 'type' in decision) {
      ws.on('error', () => {});
      const status = decision?.status ?? 500;
      ws.close(4_000 + status, decision?.code ?? 'INTERNAL_ERROR');
      return;
    }
    decision.connection.attach(new WsSocket(ws, stream, decision.connection), decision.verdict);
  }
}

function refuse(reply: FastifyReply, refused: Refusal, headers: Readonly<Record<string, string>> = {}): FastifyReply {
  if (refused.retryAfterMs !== undefined) void reply.header('Retry-After', Math.ceil(refused.retryAfterMs / 1000));
  return reply
    .code(refused.status)
    .headers({ Connection: 'close', ...headers })
    .send({ code: refused.code, message: refused.message });
}

function refusal(status: number, code: string, message: string): Refusal {
  return { type: 'refused', status, code, message };
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
