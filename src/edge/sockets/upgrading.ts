import type { ServerResponse } from 'node:http';
import type { WebSocket, WebSocketServer } from 'ws';
import { corkToEndOfTurn } from '../../core/end-of-turn.ts';
import { Expiries } from '../../core/expiries.ts';
import type { Clock } from '../../core/ports.ts';
import { accept, needsNegotiation } from './accepting.ts';
import { boundUnfinished } from './unfinished.ts';
import { upgradeOf, type LetIn, type Upgrade } from './upgrade.ts';
import { closeReason, endOnce, WsSocket } from './ws-socket.ts';

export type UpgradingOptions = {
  readonly clock: Clock;
  readonly webSockets: WebSocketServer;
  /** The largest message that any route allows. `Connection` holds each client to the limit of its own route. May grow with time. */
  readonly maxMessageBytes: () => number;
};

/** Fragments that a message may have beyond one for each of its bytes: empty ones are legal, and no use. */
const EMPTY_FRAGMENTS = 16_384;

/** Makes WebSockets of upgrades that were decided, and clients of those that were let in. */
export class Upgrading {
  readonly #options: UpgradingOptions;
  readonly #expiries: Expiries;

  constructor(options: UpgradingOptions) {
    this.#options = options;
    this.#expiries = new Expiries(options.clock);
    options.webSockets.on('headers', (headers, request) => {
      const upgrade = upgradeOf(request);
      for (const [name, value] of upgrade?.headers ?? []) headers.push(`${name}: ${value}`);
      this.#takeUpTo(upgrade?.maxMessageBytes ?? 0); // `ws` 8.23.0 lays out the socket with it behind this event, and then calls `done`
    });
  }

  /** Accepts what was decided to be. */
  accept(upgrade: Upgrade): void {
    const { request, socket, head, maxMessageBytes: maxPayload } = upgrade;
    const { webSockets } = this.#options;
    this.begin(upgrade);
    if (!socket.readable || !socket.writable) {
      socket.destroy(); // as `ws` does
    } else if (needsNegotiation(upgrade, webSockets)) {
      webSockets.handleUpgrade(request, socket, head, (ws) => this.done(ws, upgrade));
    } else {
      this.done(accept(upgrade, webSockets, { maxPayload, maxFragments: maxPayload + EMPTY_FRAGMENTS }), upgrade);
    }
    upgrade.over();
  }

  /** To be called right before `ws` does it. The 101s of one turn leave right after one another, each with what is sent to its client first. */
  begin(upgrade: Upgrade): void {
    this.#takeUpToMost();
    corkToEndOfTurn(upgrade.socket, upgrade);
  }

  /** `ws` has done it. Listeners are attached in the same turn, else the first frames would be lost. */
  done(ws: WebSocket, upgrade: Upgrade): void {
    const { decision, socket } = upgrade;
    this.#takeUpToMost();
    upgrade.done();
    boundUnfinished(ws, socket);
    endOnce(ws, socket);
    if (decision === null) return ws.terminate(); // nobody is upgraded about whom nothing was decided
    if ('type' in decision) {
      ws.on('error', () => {});
      ws.close(decision.closeCode ?? 4_000 + decision.status, closeReason(decision.code));
      return;
    }
    const { connection, verdict } = decision;
    connection.attach(new WsSocket(ws, socket, connection), verdict);
    this.#watch(decision);
  }

  /** By its token, or by the backend's word. */
  #watch({ connection, expiresAt, verdict }: LetIn): void {
    const until = Math.min(expiresAt ?? Infinity, verdict.expiresAt ?? Infinity);
    if (until < Infinity) this.#expiries.add(connection, until);
  }

  /** A socket that inflates messages takes what any route does: `ws` makes what inflates before it tells whose the socket is. */
  #takeUpToMost(): void {
    this.#takeUpTo(this.#options.maxMessageBytes());
  }

  /** For what `ws` lays out from now on (test/e2e/route-options.test.ts). */
  #takeUpTo(bytes: number): void {
    const { options } = this.#options.webSockets;
    options.maxPayload = bytes;
    (options as { maxFragments?: number }).maxFragments = bytes + EMPTY_FRAGMENTS;
  }
}

/**
 * @fastify/websocket 11.3.6's closure and Node's ServerResponse (24) would keep request and reply alive as long as the socket,
 * 3 KB each; to go when they let go by themselves (test/patched-libraries.test.ts).
 */
export function leaveFramework(ws: WebSocket, { socket }: Upgrade): void {
  ws.removeAllListeners('error');
  (socket as { _httpMessage?: ServerResponse })._httpMessage?.detachSocket(socket);
}
