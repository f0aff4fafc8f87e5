import type { Connection } from '../../src/core/connection.ts';
import type { Message } from '../../src/core/events.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Socket } from '../../src/core/ports.ts';
import type { Random } from './random.ts';
import type { Record, Truth } from './truth.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** As `ws` does: a closing handshake that nobody answers ends after this. */
const CLOSE_TIMEOUT_MS = 3_000;
/** Messages that are with the process already when it pauses its socket. */
export const READ_AHEAD = 2;

/** Here only the heartbeat terminates, and only who reads too slowly (docs/configuration.md#options, SLOW_CLIENT_TIMEOUT_MS). */
const SLOW_CLIENT_CODE = 1013;

/** From a client far away; the shortest WS_TIMEOUT of a history is twice as long. */
const LONGEST_PONG_MS = 2_000;

type Unread = { readonly type: 'message'; readonly payload: string } | { readonly type: 'close'; readonly code: number };

export type SocketManners = {
  /** Answers pings and close frames. */
  readonly isResponsive: boolean;
  /** Bytes that it takes per ms; 0: none, ever; Infinity: all at once. */
  readonly bytesPerMs: number;
};

type World = {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly record: Record;
  readonly limits: Limits;
  /** MESSAGES_PER_SECOND pauses sockets, too. */
  readonly isPaced: boolean;
};

/** A client's end of the wire and the adapter `Socket` in one, with latency, manners and a kernel buffer of its own. */
export class SimulatedSocket implements Socket {
  readonly truth: Truth;
  bufferedBytes = 0;
  receivedBytes = 0;
  isPaused = false;
  readonly #world: World;
  readonly #manners: SocketManners;
  readonly #connection: Connection;
  readonly #unread: Unread[] = [];
  #state: 'open' | 'closing' | 'ended' = 'open';

  constructor(world: World, truth: Truth, options: { readonly connection: Connection; readonly manners: SocketManners }) {
    this.#world = world;
    this.truth = truth;
    this.#connection = options.connection;
    this.#manners = options.manners;
  }

  /** The client sends a few messages at once. */
  say(payloads: readonly string[]): void {
    for (const payload of payloads) this.#unread.push({ type: 'message', payload });
    this.#read();
  }

  /** The client sends a close frame, after what it has sent so far. */
  leave(code: number): void {
    this.#unread.push({ type: 'close', code });
    this.#read();
  }

  /** The cable is cut: what is unread is lost. */
  drop(): void {
    this.#end(1006, '');
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get hasEnded(): boolean {
    return this.#state === 'ended';
  }

  send(message: Message): void {
    if (this.#state !== 'open') return;
    const { clock } = this.#world;
    const { bytesPerMs } = this.#manners;
    const { length } = message.data;
    this.truth.frames.push(message.data.toString());
    if (bytesPerMs === Infinity) return;
    this.bufferedBytes += length;
    if (bytesPerMs > 0)
      clock.after(length / bytesPerMs, () => {
        this.bufferedBytes -= length;
      });
  }

  close(code: number, reason: string): void {
    const { clock, random, record } = this.#world;
    record.note(this.truth, `is sent close frame ${code}`, reason);
    if (reason === 'ping timeout') {
      record.count('ping unanswered');
      if (this.#manners.isResponsive) record.violate('WS_TIMEOUT', this.truth, 'is cut off, and has answered every ping');
    }
    if (this.truth.sentCloseCode !== null)
      record.violate('G4', this.truth, `was sent two close frames, ${code} after ${this.truth.sentCloseCode}`);
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.truth.phase = 'closing';
    this.truth.sentCloseCode = code;
    this.truth.sentCloseAt = clock.now();
    clock.after(CLOSE_TIMEOUT_MS, () => {
      if (code === 1011 && this.isPaused && this.#state !== 'ended' && !this.#world.isPaced)
        record.violate('G1', this.truth, 'is told 1011 and its answer is never read, its socket stays paused');
      this.#end(1006, reason);
    });
    if (this.#manners.isResponsive)
      clock.after(random.between(1, 60), () => {
        this.#unread.push({ type: 'close', code });
        this.#read();
      });
  }

  terminate(): void {
    this.truth.wasTerminated = true;
    if (this.#state === 'open') this.truth.phase = 'closing';
    if (this.#state !== 'ended') this.#state = 'closing';
    this.#world.clock.after(this.#world.random.between(0, 2), () => this.#end(1006, ''));
  }

  pause(): void {
    this.isPaused = true;
    this.#world.record.count('pause');
  }

  resume(): void {
    this.isPaused = false;
    this.#world.clock.after(0, () => this.#read());
  }

  ping(): void {
    if (!this.#manners.isResponsive) return;
    this.#world.clock.after(this.#world.random.between(1, LONGEST_PONG_MS), () => {
      if (this.#state === 'ended' || this.isPaused) return;
      this.#world.record.count('ping answered');
      this.#connection.alive();
    });
  }

  #read(): void {
    if (this.isPaused) return;
    let ahead = this.#world.random.between(0, READ_AHEAD);
    for (let next = this.#unread[0]; next !== undefined; next = this.#unread[0]) {
      if (this.#state === 'ended') return;
      if (this.isPaused && (ahead === 0 || next.type === 'close')) return;
      if (this.isPaused) ahead -= 1;
      this.#unread.shift();
      if (next.type === 'close') {
        this.#end(this.truth.sentCloseCode ?? next.code, 'bye');
        return;
      }
      this.receivedBytes += next.payload.length;
      this.truth.received.push(next.payload);
      this.#world.record.note(this.truth, 'is read', next.payload);
      this.#connection.receive(Buffer.from(next.payload), this.truth.received.length % 5 === 0);
      this.#checkInbox();
    }
  }

  /** Beyond the message on its way, the inbox holds its limit and what was read ahead. */
  #checkInbox(): void {
    const { record, limits } = this.#world;
    const waiting = this.truth.received.slice(this.truth.delivered + 1);
    if (this.truth.phase !== 'open' || waiting.length === 0) return; // who was told 1011 is read, and not kept
    const bytes = waiting.reduce((sum, payload) => sum + payload.length, 0);
    if (waiting.length > limits.inboxMessages + READ_AHEAD) record.violate('G5', this.truth, `has ${waiting.length} messages in its inbox`);
    if (bytes > limits.inboxBytes + (READ_AHEAD + 1) * limits.maxMessageBytes)
      record.violate('G5', this.truth, `has ${bytes} bytes in its inbox`);
  }

  #end(code: number, reason: string): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.truth.phase = 'gone';
    this.truth.endedAt = this.#world.clock.now();
    this.truth.endCode = this.truth.wasTerminated ? SLOW_CLIENT_CODE : code;
    this.#world.record.note(this.truth, `socket ended with ${code}`);
    this.#connection.ended(code, reason);
  }
}
