import { retryAfterMs, type BackendResult } from '../wire/calls.ts';
import type { Connection, ConnectionHost } from './connection.ts';
import type { Conversation, RpcOutcome } from './conversation.ts';
import type { MessageEvent, MessageVerdict, TagChanges } from './events.ts';
import { Fifo } from './fifo.ts';
import type { Dialect, Receiver, Timer } from './ports.ts';

const SHORTEST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

/** Between half of a span and the span, which doubles: 100 to 200 ms at first, 2.5 to 5 s at last (CONTRACT §3). */
export function backOffMs(attempt: number, random: number): number {
  const span = Math.min(LONGEST_RETRY_MS, SHORTEST_RETRY_MS * 2 ** Math.min(attempt + 1, 10));
  return span / 2 + (span / 2) * random;
}

/**
 * One connection's way up to the backend: messages in the order read, one call at a time (G2), bounded (G5: full, it
 * pauses the socket), retried until the backend has it or BACKEND_RETRY_FOR_MS is over (G1: then 1011).
 */
export class Inbox implements Receiver, Conversation {
  readonly #connection: Connection;
  readonly #host: ConnectionHost;
  readonly #dialect: Dialect;
  #waiting: Fifo<MessageEvent> | null = null;
  #waitingBytes = 0;
  #current: MessageEvent | null = null;
  #attempts = 0;
  #giveUpAt = 0;
  #timer: Timer | null = null;
  #isPausing = false;
  #isAbandoned = false;

  constructor(connection: Connection, host: ConnectionHost, dialect: Dialect) {
    this.#connection = connection;
    this.#host = host;
    this.#dialect = dialect;
  }

  get isIdle(): boolean {
    return this.#current === null;
  }

  received(event: MessageEvent): void {
    if (this.#isAbandoned) {
      this.#host.meter.messagesUndelivered += 1;
      return;
    }
    if (this.#current === null) {
      this.#begin(event);
      return;
    }
    this.#waiting ??= new Fifo();
    this.#waiting.push(event);
    this.#waitingBytes += event.data.length;
    const { limits } = this.#connection.route;
    if (!this.#isPausing && (this.#waiting.length >= limits.inboxMessages || this.#waitingBytes >= limits.inboxBytes)) {
      this.#isPausing = true;
      this.#connection.pause();
    }
  }

  opened(): void {}

  ended(): void {}

  command(): RpcOutcome {
    return { type: 'invalid', detail: 'this client speaks no RPC dialect; it can be pushed to' };
  }

  settled(result: BackendResult): void {
    const event = this.#current;
    if (event === null) return;
    const verdict = this.#decode(event, result);
    if (verdict.type === 'retry') {
      this.#retry(verdict.afterMs ?? retryAfterMs(result, this.#host.clock.now()), verdict.because);
      return;
    }
    this.#host.meter.messagesDelivered += 1;
    if (verdict.complaint !== null) this.#complain(event, verdict.complaint);
    if (verdict.tags) this.#setTags(verdict.tags);
    if (verdict.reply !== null) this.#connection.reply(verdict.reply);
    this.#next();
  }

  #begin(event: MessageEvent): void {
    this.#current = event;
    this.#attempts = 0;
    this.#giveUpAt = this.#host.clock.now() + this.#connection.route.limits.backendRetryForMs;
    this.#send(event);
  }

  #send(event: MessageEvent): void {
    this.#connection.route.backend.call(this.#dialect.encodeMessage(event), this, this.#giveUpAt);
  }

  #next(): void {
    const event = this.#waiting?.shift();
    if (event === undefined) {
      this.#current = null;
      this.#waiting = null;
      this.#connection.emptied();
      return;
    }
    this.#waitingBytes -= event.data.length;
    this.#begin(event);
    if (this.#isPausing) this.#resumeAtHalf();
  }

  #resumeAtHalf(): void {
    const { limits } = this.#connection.route;
    const length = this.#waiting?.length ?? 0;
    if (length * 2 <= limits.inboxMessages && this.#waitingBytes * 2 <= limits.inboxBytes) {
      this.#isPausing = false;
      this.#connection.resume();
    }
  }

  #retry(afterMs: number | null, because: string): void {
    const { clock, meter, log } = this.#host;
    const leftMs = this.#giveUpAt - clock.now();
    // of our own back-off the last try comes when the time is over; a Retry-After that goes beyond it is honoured by none
    const delay = afterMs ?? Math.max(SHORTEST_RETRY_MS, Math.min(leftMs, backOffMs(this.#attempts, clock.random())));
    this.#attempts += 1;
    if (delay > leftMs) {
      this.#giveUp(because);
      return;
    }
    meter.messagesRetried += 1;
    if (log.isDebugging) log.debug({ id: this.#connection.id, because, delay }, 'message held, will be sent again');
    this.#timer = clock.after(delay, () => {
      this.#timer = null;
      if (this.#current !== null) this.#send(this.#current);
    });
  }

  /** The message could not be delivered in its time: its sender is told by 1011 (G1), or has left already. */
  #giveUp(because: string): void {
    const undelivered = 1 + (this.#waiting?.length ?? 0);
    this.#host.meter.messagesUndelivered += undelivered;
    this.#host.log.warn({ id: this.#connection.id, undelivered, because }, 'messages undelivered, connection ends');
    this.stop();
    this.#connection.close(1011, 'backend unavailable');
    this.#connection.emptied();
  }

  /** Takes and delivers nothing more. */
  stop(): void {
    this.#isAbandoned = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#waiting = null;
    this.#waitingBytes = 0;
    this.#current = null;
    if (this.#isPausing) {
      this.#isPausing = false;
      this.#connection.resume(); // else the peer's close frame would never be read
    }
  }

  #decode(event: MessageEvent, result: BackendResult): MessageVerdict {
    try {
      return this.#dialect.decodeMessage(event, result);
    } catch (error) {
      this.#host.log.error({ err: error, id: this.#connection.id }, 'the answer to a message could not be read');
      return { type: 'delivered', reply: null, complaint: 500 };
    }
  }

  #setTags(changes: TagChanges): void {
    const problem = this.#connection.setTags(changes);
    if (problem !== null) this.#host.log.warn({ id: this.#connection.id, problem }, 'the backend set tags that cannot be set');
  }

  #complain(event: MessageEvent, status: number): void {
    this.#host.meter.messagesComplained += 1;
    this.#host.log.info({ id: event.connection.id, seq: event.seq, status }, 'the backend took a message and complained');
  }
}
