import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { GatewayError } from '../../wire/errors.ts';
import { answerErrors } from './errors.ts';
import { otherMethods } from './other-methods.ts';

export type ServerOptions = {
  readonly logger: FastifyBaseLogger;
  /** CIDRs of proxies whose X-Forwarded-* are believed. */
  readonly trustedProxies: readonly string[];
  /** For a whole request, its body too. */
  readonly handshakeTimeoutMs: number;
  readonly maxBodyBytes: number;
  /** Does this request ask for a WebSocket? */
  readonly asksForWebSocket: (request: IncomingMessage) => boolean;
  /** `no longer`: it drains, and refuses with 503. `never`: what asks for an upgrade is a plain request here. */
  readonly upgrades: () => 'now' | 'no longer' | 'never';
};

const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+\s*(;|$)/;
const isUpgrade = Symbol('is a WebSocket upgrade');

/** A connection that waits between two requests is dropped after this; longer than most clients' own limit. */
const KEEP_ALIVE_MS = 72_000;

/** A bare Fastify with this project's limits, error form and the route constraint `upgrade: 'websocket'`. */
export function buildServer(options: ServerOptions): FastifyInstance {
  const server = fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    bodyLimit: options.maxBodyBytes,
    requestTimeout: options.handshakeTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: true,
    clientErrorHandler: answerMalformed,
    childLoggerFactory: (logger) => logger, // no request has a logger of its own: making it costs more than a push's whole route
    http: {
      requireHostHeader: false, // Node's own refusal has no body; `inspect` does it in our form
      headersTimeout: options.handshakeTimeoutMs,
      connectionsCheckingInterval: Math.max(50, Math.min(1_000, Math.floor(options.handshakeTimeoutMs / 4))), // Node's own 30 s lets slow heads live long
      // Node 24's option; to go when Fastify has one of its own. Other protocols (h2c) and requests that may not upgrade now are served as plain HTTP
      shouldUpgradeCallback(request: IncomingMessage) {
        const decision = options.upgrades() === 'now' && options.asksForWebSocket(request);
        if (decision) Object.assign(request, { [isUpgrade]: true });
        return decision;
      },
    },
    routerOptions: {
      maxParamLength: 1_024,
      constraints: {
        // a constraint of find-my-way 9.10.1 under Fastify 5.12.8; to go when @fastify/websocket leaves plain requests alone
        // (test/patched-libraries.test.ts)
        upgrade: {
          name: 'upgrade',
          mustMatchWhenDerived: true, // plain routes are blind to upgrades
          storage: () => constraintStorage(),
          deriveConstraint: (request: IncomingMessage) => (isUpgrade in request ? 'websocket' : undefined),
          validate: () => {},
        } as never,
      },
    },
  });
  // bodies pass through as they came: a push is not JSON to us, whatever its type says
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.setValidatorCompiler(() => () => true); // schemas describe; routes check by hand, with errors that speak
  server.setSerializerCompiler(() => (data) => JSON.stringify(data));
  server.addHook('onRequest', (request, reply, done) => {
    const { headers } = request.raw;
    if (isUpgrade in request.raw) return done(); // sockets/upgrade-request.ts judges these
    if (headers.host === undefined && request.raw.httpVersion === '1.1')
      return done(new GatewayError('BAD_REQUEST', 'a request needs a Host header (RFC 9112 §3.2)'));
    if (options.upgrades() === 'no longer' && options.asksForWebSocket(request.raw)) {
      void reply.header('Connection', 'close');
      return done(new GatewayError('UNAVAILABLE', 'this gateway is shutting down', { retryAfterMs: 1_000 }));
    }
    // Fastify answers 415 to a Content-Type that cannot be parsed; here every body that is not binary is text
    if (headers['content-type'] !== undefined && !MEDIA_TYPE.test(headers['content-type'])) headers['content-type'] = 'text/plain';
    return done();
  });
  answerErrors(server);
  void server.register(otherMethods);
  return server;
}

function constraintStorage() {
  const handlers = new Map<unknown, unknown>();
  return {
    get: (key: unknown) => handlers.get(key) ?? null,
    set: (key: unknown, handler: unknown) => void handlers.set(key, handler),
  };
}

const MALFORMED: Readonly<Record<string, readonly [status: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'the request line and headers may have 16 KiB'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'the whole request did not come in time (HANDSHAKE_TIMEOUT_MS)'],
};

/** Bytes that are no HTTP request still get an answer in our form. */
function answerMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] = MALFORMED[error.code ?? ''] ?? [
    '400 Bad Request',
    `this is no HTTP/1.1 request (${error.code ?? error.message})`,
  ];
  const body = JSON.stringify({ code: 'BAD_REQUEST', message });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
