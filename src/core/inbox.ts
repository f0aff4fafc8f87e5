import { CLOSE } from './close-codes.ts';
import type { MessageEvent, MessageVerdict } from './events.ts';
import { Fifo } from './fifo.ts';
import type { Intake, IntakeClient, IntakeFactory, IntakeHost } from './intake.ts';
import type { RpcOutcome } from './commands.ts';
import type { Limits } from './limits.ts';
import { eventIdsOf, idsOf } from './party.ts';
import type { Backend, Receiver, Timer } from './ports.ts';
import { retryDelayMs } from './retry.ts';

/** What the inboxes of one route share. */
export type InboxOptions = { readonly backend: Pick<Backend, 'message'>; readonly limits: Limits };

/** What comes of a call to a client whose messages are opaque. */
export const NO_RPC: RpcOutcome = { type: 'invalid', detail: 'this client speaks no RPC dialect; it can be pushed to' };

/** Messages are opaque: each becomes one event. */
export function createInboxes(options: InboxOptions): IntakeFactory {
  return (client, host) => new Inbox(client, host, options);
}

/**
 * One connection's way up to the backend: messages in the order read, one call at a time (G2), bounded (G5: full, it
 * pauses the socket), retried until the backend has it or BACKEND_RETRY_FOR_MS is over (G1: then 1011).
 */
class Inbox implements Receiver<MessageVerdict>, Intake {
  readonly #client: IntakeClient;
  readonly #host: IntakeHost;
  readonly #options: InboxOptions;
  #waiting: Fifo<MessageEvent> | null = null;
  #waitingBytes = 0;
  #current: MessageEvent | null = null;
  #attempts = 0;
  #askedAt = 0;
  #timer: Timer | null = null;
  #isPausing = false;
  #isAbandoned = false;

  constructor(client: IntakeClient, host: IntakeHost, options: InboxOptions) {
    this.#client = client;
    this.#host = host;
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#current === null;
  }

  get undelivered(): number {
    return this.#current === null ? 0 : 1 + (this.#waiting?.length ?? 0);
  }

  get isHolding(): boolean {
    return this.#attempts > 0 && this.#current !== null;
  }

  received(event: MessageEvent): void {
    if (this.#isAbandoned) {
      this.#host.observer.counted('messagesUndelivered', 1);
      return;
    }
    if (this.#current === null) {
      this.#begin(event);
      return;
    }
    this.#waiting ??= new Fifo();
    this.#waiting.push(event);
    this.#waitingBytes += event.data.length;
    const { limits } = this.#options;
    if (!this.#isPausing && (this.#waiting.length >= limits.inboxMessages || this.#waitingBytes >= limits.inboxBytes)) {
      this.#isPausing = true;
      this.#client.pause();
    }
  }

  opened(): void {}

  ended(): void {}

  command(): RpcOutcome {
    return NO_RPC;
  }

  settled(verdict: MessageVerdict): void {
    const event = this.#current;
    if (event === null) return;
    this.#host.observer.answered(event, verdict, this.#askedAt);
    if (verdict.type === 'retry') {
      this.#retry(event, verdict);
      return;
    }
    if (verdict.type === 'failed') {
      this.#giveUp(verdict.because, 'the message failed');
      return;
    }
    this.#taken(event, verdict);
  }

  #taken(event: MessageEvent, verdict: Extract<MessageVerdict, { type: 'delivered' }>): void {
    delivered(this.#client, this.#host, { event, verdict });
    this.#next();
  }

  /** Of the message that is being delivered. */
  get #ids() {
    const { party } = this.#client;
    return this.#current === null ? idsOf(party) : eventIdsOf(party, this.#current.seq);
  }

  get #giveUpAt(): number {
    return this.#askedAt + this.#options.limits.backendRetryForMs;
  }

  #begin(event: MessageEvent): void {
    this.#current = event;
    this.#attempts = 0;
    this.#askedAt = this.#host.clock.now();
    this.#send(event);
  }

  #send(event: MessageEvent): void {
    const { party } = this.#client;
    const current = event.party === party ? event : { ...event, party }; // its tags changed since the message was read
    this.#options.backend.message(current, this, this.#giveUpAt);
  }

  #next(): void {
    const event = this.#waiting?.shift();
    if (event === undefined) {
      this.#current = null;
      this.#waiting = null;
      this.#client.emptied();
      return;
    }
    this.#waitingBytes -= event.data.length;
    this.#begin(event);
    if (this.#isPausing) this.#resumeAtHalf();
  }

  #resumeAtHalf(): void {
    const { limits } = this.#options;
    const length = this.#waiting?.length ?? 0;
    if (length * 2 <= limits.inboxMessages && this.#waitingBytes * 2 <= limits.inboxBytes) {
      this.#isPausing = false;
      this.#client.resume();
    }
  }

  #retry(event: MessageEvent, { afterMs, because, lastWord }: Extract<MessageVerdict, { type: 'retry' }>): void {
    const { clock, observer, log } = this.#host;
    const leftMs = this.#giveUpAt - clock.now();
    const delay = retryDelayMs({ attempts: this.#attempts, afterMs, leftMs, random: clock.random() });
    this.#attempts += 1;
    if (delay === null) {
      if (lastWord === undefined) this.#giveUp(because, 'backend unavailable');
      else this.#taken(event, { type: 'delivered', reply: lastWord, complaint: because });
      return;
    }
    observer.counted('messagesRetried', 1);
    if (log.isDebugging) log.debug({ ...this.#ids, because, delay }, 'message held, will be sent again');
    this.#timer = clock.after(delay, () => {
      this.#timer = null;
      if (this.#current !== null) this.#send(this.#current);
    });
  }

  /** The message could not be delivered in its time: its sender is told by 1011 (G1), or has left already. */
  #giveUp(because: string, reason: string): void {
    const undelivered = 1 + (this.#waiting?.length ?? 0);
    this.#host.observer.counted('messagesUndelivered', undelivered);
    this.#host.log.warn({ ...this.#ids, undelivered, because }, 'messages undelivered, connection ends');
    this.stop();
    this.#client.close(CLOSE.INTERNAL_ERROR, reason);
    this.#client.emptied();
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
      this.#client.resume(); // else the peer's close frame would never be read
    }
  }
}

/** The backend has taken a message: it is counted, complaints are told, tags set, and a reply goes back. */
export function delivered(
  client: IntakeClient,
  host: IntakeHost,
  taken: { readonly event: MessageEvent; readonly verdict: Extract<MessageVerdict, { type: 'delivered' }> },
): void {
  const { event, verdict } = taken;
  const { observer, log } = host;
  const ids = eventIdsOf(client.party, event.seq);
  observer.counted('messagesDelivered', 1);
  if (verdict.complaint !== null) {
    observer.counted('messagesComplained', 1);
    log.info({ ...ids, seq: event.seq, complaint: verdict.complaint }, 'the backend took a message and complained');
  }
  if (verdict.tags) {
    const problem = client.setTags(verdict.tags);
    if (problem !== null) log.warn({ ...ids, problem }, 'the backend set tags that cannot be set');
  }
  if (verdict.reply !== null) client.reply(verdict.reply);
}
