import { CLOSE } from '../../core/close-codes.ts';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Expiring } from '../../core/deadlines.ts';
import type { Waiting } from '../../core/end-of-turn.ts';
import type { Refusal } from '../../core/events.ts';
import type { Admitted } from '../../core/gateway.ts';

/** `expiresAt`: when the client's right to be here ends, epoch ms; null: never. */
export type LetIn = Admitted & { readonly expiresAt: number | null };

/** `subprotocol`: what the 101 names; null: the client offered none, or the backend chose none. */
export type Decided = { readonly decision: LetIn | Refusal; readonly subprotocol: string | null };

const UPGRADE = Symbol('upgrade');

type Asking = IncomingMessage & { [UPGRADE]?: Upgrade };

/**
 * A request for an upgrade on its way, with what was decided about it. From then on it owns the end of an accepted client
 * until the upgrade is done: whatever prevents it, the backend hears of the end, since it had accepted.
 */
export class Upgrade implements Expiring, Waiting {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** What the client sent behind the request. */
  readonly head: Buffer;
  before: Expiring | null = null;
  after: Expiring | null = null;
  expiresAt = 0;
  #decided: Decided | null = null;
  #isDone = false;

  constructor(request: IncomingMessage, socket: Socket, head: Buffer) {
    this.request = request;
    this.socket = socket;
    this.head = head;
    (request as Asking)[UPGRADE] = this;
  }

  /** The client is to be upgraded: because it is let in, or to be told by a close frame why not. */
  decided(decided: Decided): void {
    this.#decided = decided;
  }

  get decision(): LetIn | Refusal | null {
    return this.#decided?.decision ?? null;
  }

  get subprotocol(): string | null {
    return this.#decided?.subprotocol ?? null;
  }

  get #letIn(): LetIn | null {
    const { decision } = this;
    return decision !== null && 'connection' in decision ? decision : null;
  }

  /** The largest message that its route allows; of a client that is let in only to be told why it is refused, none. */
  get maxMessageBytes(): number {
    return this.#letIn?.connection.route.limits.maxMessageBytes ?? 1;
  }

  /** More headers of the 101. */
  get headers(): readonly (readonly [string, string])[] {
    return this.#letIn?.verdict.headers ?? [];
  }

  /** From now on the WebSocket tells of the connection's end. */
  done(): void {
    this.#isDone = true;
  }

  /** The upgrade was not done, if it was not, and will not be: `ws` may refuse what it reads more strictly than we do. */
  over(): void {
    if (!this.#isDone) this.#letIn?.connection.ended(CLOSE.ABNORMAL, '');
    this.#isDone = true;
  }

  endTurn(): void {
    this.socket.uncork();
  }

  /** Nobody answered in time. */
  expire(): void {
    this.socket.destroy();
  }
}

/** Undefined: it came by no way that leads to upgrades. */
export function upgradeOf(request: IncomingMessage): Upgrade | undefined {
  return (request as Asking)[UPGRADE];
}
