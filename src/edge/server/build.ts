import type { IncomingMessage } from 'node:http';
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { GatewayError } from '../../wire/errors.ts';
import { readBodies } from './bodies.ts';
import { answerErrors, answerFrameworkError } from './errors.ts';
import type { HttpSockets } from './http-sockets.ts';
import { asLastAnswer, hasLastAnswer } from './last-answers.ts';
import { answerConnect, answerMalformed, isAnswering } from './malformed.ts';
import { bodyProblem, MEDIA_TYPE, originForm, requestProblem } from './request-form.ts';
import { foldMethod, otherMethods } from './other-methods.ts';
import { readQuery } from './query.ts';
import { tlsOptions, type Secured } from './secure.ts';

export type ServerOptions = {
  readonly logger: FastifyBaseLogger;
  /** Counts this server's sockets until somebody else does. */
  readonly httpSockets: HttpSockets;
  /** For a whole request, its body too. */
  readonly handshakeTimeoutMs: number;
  /** Of the request line and all headers together. */
  readonly maxHeaderBytes: number;
  /** Null: plain HTTP. */
  readonly secured: Secured | null;
  /** May grow with time. */
  readonly maxBodyBytes: () => number;
  /** Does this request ask for a WebSocket? */
  /** Is a plain request for this path told to upgrade, though it could be a command for an id? */
  readonly isUpgradeOnly: (path: string) => boolean;
  /** Of a target, the spelling that the routes have. */
  readonly rewrite: (target: string) => string;
  readonly asksForWebSocket: (request: IncomingMessage) => boolean;
  /** `no longer`: it drains, and refuses with 503. `never`: what asks for an upgrade is a plain request here. */
  readonly upgrades: () => 'now' | 'no longer' | 'never';
};

const isUpgrade = Symbol('is a WebSocket upgrade');

/** A connection that waits between two requests is dropped after this; longer than most clients' own limit. */
const KEEP_ALIVE_MS = 72_000;

/** A bare Fastify with this project's limits, error form and the route constraint `upgrade: 'websocket'`. */
export function buildServer(options: ServerOptions): FastifyInstance {
  const http = {
    requireHostHeader: false, // Node's own refusal has no body; `inspect` does it in our form
    maxHeaderSize: options.maxHeaderBytes,
    requestTimeout: options.handshakeTimeoutMs, // Node takes no longer headersTimeout than this, and Fastify sets its own too late
    headersTimeout: options.handshakeTimeoutMs,
    connectionsCheckingInterval: Math.max(50, Math.min(1_000, Math.floor(options.handshakeTimeoutMs / 4))), // Node's own 30 s lets slow heads live long
    // Node 24's option; to go when Fastify has one of its own. Other protocols (h2c) and requests that may not upgrade now are served as plain HTTP
    shouldUpgradeCallback(request: IncomingMessage) {
      // behind an answer that is still to come, the socket could not be given away: the request is answered as a plain one
      const { socket } = request;
      const isFree = !isAnswering(socket) && !hasLastAnswer(socket);
      const decision = isFree && options.upgrades() === 'now' && options.asksForWebSocket(request);
      if (decision) Object.assign(request, { [isUpgrade]: true });
      return decision;
    },
  };
  const secure = options.secured === null ? { http } : { https: { ...http, ...tlsOptions(options.secured) } };
  const server = fastify({
    ...(secure as { http: typeof http }), // what differs by it is the type of the server alone
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    rewriteUrl: (request) => {
      foldMethod(request);
      return options.rewrite(originForm(request));
    },
    requestTimeout: options.handshakeTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false, // in a form of its own; whoever may command may do so to the end
    exposeHeadRoutes: true,
    clientErrorHandler: answerMalformed(options.maxHeaderBytes),
    frameworkErrors: answerFrameworkError,
    childLoggerFactory: (logger) => logger, // no request has a logger of its own: making it costs more than a push's whole route
    routerOptions: {
      querystringParser: readQuery,
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
  readBodies(server, options.maxBodyBytes);
  server.setValidatorCompiler(() => () => true); // schemas describe; routes check by hand, with errors that speak
  server.setSerializerCompiler(() => (data) => JSON.stringify(data));
  server.addHook('onRequest', (request, reply, done) => {
    const { headers, socket } = request.raw;
    if (hasLastAnswer(socket)) return void reply.hijack(); // and never send it
    const isUpgraded = isUpgrade in request.raw; // sockets/upgrade-request.ts judges what RFC 6455 wants of it
    options.httpSockets.active(socket);
    const problem = requestProblem(request.raw) ?? (isUpgraded ? null : (upgradeProblem(request.raw) ?? bodyProblem(request.raw)));
    if (problem !== null) {
      asLastAnswer(reply); // what follows on this socket may be read in more than one way
      return done(problem);
    }
    if (isUpgraded) return done();
    if (request.is404 && options.upgrades() !== 'never') asLastAnswer(reply); // `answerUnknown` tells it to upgrade, maybe after its body
    // Fastify answers 415 to a Content-Type that cannot be parsed; here every body that is not binary is text
    if (headers['content-type'] !== undefined && !MEDIA_TYPE.test(headers['content-type'])) headers['content-type'] = 'text/plain';
    return done();
  });
  answerErrors(server, { servesClients: () => options.upgrades() !== 'never', isUpgradeOnly: options.isUpgradeOnly });
  void server.register(otherMethods);
  server.server.maxHeadersCount = 0; // their bytes are bounded: Node would drop those behind the thousandth, and a guard see less than came
  server.server.on('connect', answerConnect);
  server.server.on('checkExpectation', (request, response) => server.routing(request, response)); // `requestProblem` says it in our form
  options.httpSockets.watch(server.server);
  return server;

  /** Why a request for a WebSocket was not upgraded. */
  function upgradeProblem(request: IncomingMessage): GatewayError | null {
    if (!options.asksForWebSocket(request) || options.upgrades() === 'never') return null;
    if (options.upgrades() === 'no longer')
      return new GatewayError('UNAVAILABLE', 'this gateway is shutting down', { retryAfterMs: 1_000 });
    return new GatewayError('BAD_REQUEST', 'an upgrade must not be sent before the answer to an earlier request on the same socket');
  }
}

function constraintStorage() {
  const handlers = new Map<unknown, unknown>();
  return {
    get: (key: unknown) => handlers.get(key) ?? null,
    set: (key: unknown, handler: unknown) => void handlers.set(key, handler),
  };
}
