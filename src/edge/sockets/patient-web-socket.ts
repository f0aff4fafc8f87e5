import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { Deadlines, type Expiring } from '../../core/deadlines.ts';
import { corkToEndOfTurn } from '../../core/end-of-turn.ts';
import type { Clock } from '../../core/ports.ts';
import { COPIED_BYTES } from './frame.ts';

/** The parts of `ws` 8.23.0 that are looked into (test/patched-libraries.test.ts). */
type Inner = {
  _closeTimer: NodeJS.Timeout | null;
  readonly _sender: Sender;
  setSocket(stream: Duplex, head: Buffer, options: object): void;
  emitClose(): void;
};
type Sender = {
  readonly _socket: Duplex;
  sendFrame: (pieces: readonly (Buffer | string)[], done?: (error?: Error | null) => void) => void;
};

/** With what its types do not tell. */
const WholeWebSocket = WebSocket as unknown as new (...parameters: ConstructorParameters<typeof WebSocket>) => WebSocket & Inner;

const NOTHING = Buffer.alloc(0);

/**
 * A socket of `ws` whose close time-out is measured by our clock: its own goes on while the process is frozen, and at the
 * end would cut off a peer whose close frame could not be read yet. The frames that it makes itself, of control, leave in one
 * piece and at the end of the turn, with all others.
 */
export function patientWebSocket(clock: Pick<Clock, 'now'>, closeTimeoutMs: number): typeof WholeWebSocket {
  const deadlines = new Deadlines(clock, () => closeTimeoutMs);
  return class PatientWebSocket extends WholeWebSocket implements Expiring {
    before: Expiring | null = null;
    after: Expiring | null = null;
    expiresAt = 0;

    /** `ws` calls it when the handshake is done. */
    override setSocket(stream: Duplex, head: Buffer, options: object): void {
      super.setSocket(stream, head, options);
      this._sender.sendFrame = sendInOnePiece;
    }

    /** `ws` calls it too: when the peer has sent a close frame, or broken the protocol. */
    override close(code?: number, data?: string | Buffer): void {
      const wasOpen = this.readyState === WebSocket.OPEN;
      super.close(code, data);
      if (!wasOpen) return;
      if (this._closeTimer !== null) clearTimeout(this._closeTimer);
      deadlines.add(this);
    }

    /** `ws` calls it when the connection is over. */
    override emitClose(): void {
      deadlines.remove(this);
      super.emitClose();
    }

    /** The peer has not answered the close frame in time. */
    expire(): void {
      this.terminate();
    }
  };
}

function sendInOnePiece(this: Sender, ...[pieces, done]: Parameters<Sender['sendFrame']>): void {
  const { _socket: stream } = this;
  const [head, payload = NOTHING] = pieces;
  if (!Buffer.isBuffer(head) || !Buffer.isBuffer(payload) || head.length + payload.length > COPIED_BYTES)
    return (Object.getPrototypeOf(this) as Sender).sendFrame.call(this, pieces, done);
  corkToEndOfTurn(stream, { endTurn: () => stream.uncork() });
  return void stream.write(payload.length === 0 ? head : Buffer.concat([head, payload]), done);
}
