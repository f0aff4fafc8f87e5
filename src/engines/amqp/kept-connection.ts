import type { ChannelModel, connect } from 'amqplib';
import { reasonOf } from '../reason.ts';
import type { Address } from './address.ts';

const CONNECT_MS = 5_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

export type KeptConnectionOptions = {
  readonly connect: typeof connect;
  readonly address: Address;
  /** Makes what is needed on a new connection; if that fails the connection has failed. */
  readonly prepare: (connection: ChannelModel) => Promise<void>;
  readonly down: (because: string) => void;
};

/** A connection that comes back after every loss, for ever. Its client's own way back knows nothing of what was on its way. */
export class KeptConnection {
  readonly #options: KeptConnectionOptions;
  #socket: AbortController | null = null;
  #connection: ChannelModel | null = null;
  #because = '';
  #attempts = 0;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(options: KeptConnectionOptions) {
    this.#options = options;
  }

  open(): void {
    this.#open().catch((error: unknown) => this.#lost(error as Error));
  }

  async #open(): Promise<void> {
    const { connect: dial, address, prepare } = this.#options;
    const socket = new AbortController();
    this.#socket = socket;
    const connection = await dial({ ...address }, { timeout: CONNECT_MS, noDelay: true, signal: socket.signal } as object);
    if (this.#isClosed) return socket.abort();
    this.#connection = connection;
    connection.on('error', (error: Error) => {
      if (this.#socket === socket) this.#because ||= reasonOf(error); // else it is the last word of one that was dropped
    });
    connection.on('close', () => this.#lost());
    await prepare(connection);
    this.#attempts = 0;
  }

  /** Drops the connection without a word: one that hangs does not answer a goodbye. */
  reset(because: string): void {
    this.#because ||= because;
    this.#socket?.abort();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const closing = this.#connection?.close().catch(() => {}); // it is gone already
    if (closing !== undefined) {
      const { promise: patience, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, GOODBYE_MS); // one that hangs never answers
      await Promise.race([closing, patience]);
      clearTimeout(timer);
    }
    this.#socket?.abort();
  }

  #lost(error?: Error): void {
    const socket = this.#socket;
    if (socket === null) return; // told already
    this.#socket = null;
    this.#connection = null;
    socket.abort();
    const because = this.#because || (error === undefined ? 'the connection was lost' : reasonOf(error));
    this.#because = '';
    if (this.#isClosed) return;
    this.#options.down(because);
    this.#timer = setTimeout(() => this.open(), pauseMs(this.#attempts));
    this.#attempts += 1;
  }
}

const GOODBYE_MS = 1_000;

/** With jitter, so that processes do not come back all at once. */
function pauseMs(attempt: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
}
