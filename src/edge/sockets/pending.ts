import { CLOSE } from '../../core/close-codes.ts';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Refusal } from '../../core/events.ts';
import type { Admitted } from '../../core/gateway.ts';

/** `expiresAt`: when the client's right to be here ends, epoch ms; null: never. */
export type LetIn = Admitted & { readonly expiresAt: number | null };

/**
 * What was decided about an upgrade request, on its way to the socket. It owns the end of an accepted client until the
 * upgrade is done: whatever prevents the upgrade, the backend hears of the end, since it had accepted.
 */
export class Pending {
  readonly decision: LetIn | Refusal;
  readonly #stream: Duplex;
  readonly #subprotocol: string | null;

  /** `subprotocol`: what the 101 names where the client is let in only to be told why it is refused. */
  constructor(decision: LetIn | Refusal, stream: Duplex, subprotocol: string | null) {
    this.decision = decision;
    this.#subprotocol = subprotocol;
    this.#stream = stream;
    // `ws` may still refuse what it reads more strictly than we do, an extension offer for example
    if ('connection' in decision) stream.once('close', this.#abandon);
  }

  /** From now on the WebSocket tells of the connection's end. */
  done(): void {
    this.#stream.off('close', this.#abandon);
  }

  /** The subprotocol that the 101 names; null: the client offered none, or the backend chose none. */
  get subprotocol(): string | null {
    return 'connection' in this.decision ? this.decision.connection.party.subprotocol : this.#subprotocol;
  }

  /** The largest message that its route allows; of a client that is let in only to be told why it is refused, none. */
  get maxMessageBytes(): number {
    return 'connection' in this.decision ? this.decision.connection.route.limits.maxMessageBytes : 1;
  }

  /** More headers of the 101. */
  get headers(): readonly (readonly [string, string])[] {
    return 'connection' in this.decision ? this.decision.verdict.headers : [];
  }

  readonly #abandon = (): void => {
    if ('connection' in this.decision) this.decision.connection.ended(CLOSE.ABNORMAL, '');
  };
}

/** The pending upgrades by their requests; a request that nobody holds any more takes its entry with it. */
export type Pendings = WeakMap<IncomingMessage, Pending>;
