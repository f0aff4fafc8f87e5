import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { WebSocket } from 'ws';
import { Deadlines } from '../../core/deadlines.ts';
import type { Refusal } from '../../core/events.ts';
import type { HttpSockets } from '../server/http-sockets.ts';
import type { Query } from '../server/query.ts';
import { Deciding, type DecidingOptions } from './deciding.ts';
import { patientWebSocket } from './patient-web-socket.ts';
import { plainQuery } from './plain-upgrades.ts';
import { Upgrade, upgradeOf } from './upgrade.ts';
import { leaveFramework, Upgrading } from './upgrading.ts';

export type SocketsOptions = DecidingOptions & {
  /** The largest message that any route allows. May grow with time. */
  readonly maxMessageBytes: () => number;
  /** Of a target, the spelling that the routes have. */
  readonly rewrite: (target: string) => string;
  /** Where sockets are counted until they are clients'. */
  readonly httpSockets: HttpSockets;
  /** The longest that an upgrade may wait for its answer. */
  readonly upgradeTimeoutMs: () => number;
  readonly closeTimeoutMs: number;
  readonly compression: boolean;
};

/** With compression, a message may inflate to this many times its size on the wire only up to `maxMessageBytes`; smaller ones are not compressed. */
const COMPRESSION_THRESHOLD_BYTES = 1_024;

/**
 * The client side. A plain upgrade is decided and done past the framework's cycle (`plain-upgrades`); all others, and every
 * refusal that is answered by HTTP, go through it.
 */
async function sockets(server: FastifyInstance, options: SocketsOptions): Promise<void> {
  const { clock } = options.gateway;
  await server.register(websocket, {
    // drain.ts says goodbye; the plugin's own way would close all at once and without a code
    preClose: (done: () => void) => done(),
    errorHandler: () => {},
    options: {
      maxBufferedChunks: 0, // unfinished.ts bounds them by what they cost
      clientTracking: false,
      autoPong: false, // WsSocket answers pings: `ws` would cut off a burst of them
      closeTimeout: options.closeTimeoutMs,
      WebSocket: patientWebSocket(clock, options.closeTimeoutMs),
      perMessageDeflate: options.compression && {
        threshold: COMPRESSION_THRESHOLD_BYTES,
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        concurrencyLimit: 4,
      },
      handleProtocols: (_offered: Set<string>, request: IncomingMessage) => upgradeOf(request)?.subprotocol ?? false,
    } as object,
  });
  const { websocketServer: webSockets } = server;
  const deciding = new Deciding(options);
  const upgrading = new Upgrading({ clock, webSockets, maxMessageBytes: options.maxMessageBytes });
  /** Whoever asks for an upgrade has an end: `ws` takes the socket, or an answer is written and ends it, or the time is over. */
  const deadlines = new Deadlines(clock, options.upgradeTimeoutMs);
  /** What was decided past the framework, which is to answer it. */
  const decided = new WeakMap<IncomingMessage, Refusal | Error>();
  const toFramework = takeListener(server.server);
  server.server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const upgrade = new Upgrade(request, stream as Socket, head);
    options.httpSockets.release(upgrade.socket);
    upgrade.socket.setTimeout(0); // Node's own, for a socket that waits for its next request
    const query = plainQuery(request, options.rewrite);
    if (query === null) passOn(upgrade);
    else void upgradePlain(upgrade, query);
  });

  async function upgradePlain(upgrade: Upgrade, query: Query): Promise<void> {
    const { request, socket } = upgrade;
    deadlines.add(upgrade);
    socket.on('error', destroyed); // Node has taken its own listener off
    const decision = await deciding.decide(request, query).catch(toError);
    socket.off('error', destroyed);
    deadlines.remove(upgrade);
    if (decision === 'gone') return undefined;
    if (!('decision' in decision)) {
      decided.set(request, decision);
      return socket.destroyed ? undefined : passOn(upgrade);
    }
    upgrade.decided(decision);
    return upgrading.accept(upgrade);
  }

  function passOn(upgrade: Upgrade): void {
    const { request, socket, head } = upgrade;
    deadlines.add(upgrade);
    socket.once('close', () => {
      deadlines.remove(upgrade);
      upgrade.over();
    });
    toFramework(request, socket, head);
    const { _httpMessage: answer } = socket as { readonly _httpMessage?: ServerResponse | null };
    if (!answer || answer.writableEnded) socket.destroySoon(); // no hook runs for a URL that cannot be read
  }

  server.route({
    method: 'GET',
    url: '*',
    constraints: { upgrade: 'websocket' },
    preValidation: decide,
    handler: (_request, reply) => reply.code(426).send(), // never reached: the constraint lets only upgrades in
    wsHandler(ws: WebSocket, { raw }: FastifyRequest) {
      const upgrade = upgradeOf(raw);
      if (upgrade === undefined) return ws.terminate(); // every upgrade has one
      deadlines.remove(upgrade);
      leaveFramework(ws, upgrade);
      return upgrading.done(ws, upgrade);
    },
  });

  async function decide({ raw, query }: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const decision = decided.get(raw) ?? (await deciding.decide(raw, query as Query));
    if (decision instanceof Error) throw decision;
    if (decision === 'gone') return reply.hijack();
    if (!('decision' in decision)) return refuse(reply, decision);
    const upgrade = upgradeOf(raw);
    upgrade?.decided(decision);
    if (upgrade !== undefined) upgrading.begin(upgrade);
    return undefined;
  }
}

type Listener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** The only listener of @fastify/websocket 11.3.6, which begins the framework's cycle (test/patched-libraries.test.ts). */
function takeListener(server: Server): Listener {
  const [listener] = server.listeners('upgrade') as Listener[];
  if (listener === undefined) throw new Error('@fastify/websocket listens for no upgrades');
  server.off('upgrade', listener);
  return listener;
}

function destroyed(this: Duplex): void {
  this.destroy();
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  if (refusal.retryAfterMs !== undefined) void reply.header('Retry-After', Math.ceil(refusal.retryAfterMs / 1000));
  void reply.code(refusal.status).headers({ Connection: 'close', ...refusal.headers });
  const { body } = refusal;
  if (body !== undefined) return reply.header('content-type', body.contentType).send(body.data);
  return reply.send({ code: refusal.code, message: refusal.message });
}

export const socketsPlugin = fp(sockets, { name: 'sockets', fastify: '5.x' });
