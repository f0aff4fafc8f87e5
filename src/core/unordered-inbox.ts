import type { RpcOutcome } from './commands.ts';
import type { MessageEvent, MessageVerdict } from './events.ts';
import { delivered, NO_RPC, type InboxOptions } from './inbox.ts';
import type { Intake, IntakeClient, IntakeFactory, IntakeHost } from './intake.ts';
import { eventIdsOf } from './party.ts';
import type { Receiver } from './ports.ts';

/** For routes whose messages need no order: each is on its way at once, as far as the inbox's limits allow. */
export function createUnorderedInboxes(options: InboxOptions): IntakeFactory {
  return (client, host) => new UnorderedInbox(client, host, options);
}

/** Bounded as the inbox is, by pausing the socket; nothing is tried again, and `close` still comes last. */
class UnorderedInbox implements Intake {
  readonly #client: IntakeClient;
  readonly #host: IntakeHost;
  readonly #options: InboxOptions;
  #running = 0;
  #runningBytes = 0;
  #isPausing = false;

  constructor(client: IntakeClient, host: IntakeHost, options: InboxOptions) {
    this.#client = client;
    this.#host = host;
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#running === 0;
  }

  get undelivered(): number {
    return this.#running;
  }

  /** Nothing is tried again. */
  get isHolding(): boolean {
    return false;
  }

  received(event: MessageEvent): void {
    const { backend, limits } = this.#options;
    this.#running += 1;
    this.#runningBytes += event.data.length;
    if (!this.#isPausing && (this.#running >= limits.inboxMessages || this.#runningBytes >= limits.inboxBytes)) {
      this.#isPausing = true;
      this.#client.pause();
    }
    backend.message(event, new Running(this, event), this.#host.clock.now() + limits.backendRetryForMs);
  }

  opened(): void {}

  ended(): void {}

  command(): RpcOutcome {
    return NO_RPC;
  }

  settled(event: MessageEvent, verdict: MessageVerdict): void {
    this.#running -= 1;
    this.#runningBytes -= event.data.length;
    if (verdict.type === 'delivered') delivered(this.#client, this.#host, { event, verdict });
    else this.#undelivered(event, verdict);
    this.#resumeAtHalf();
    if (this.#running === 0) this.#client.emptied();
  }

  #undelivered(event: MessageEvent, verdict: Exclude<MessageVerdict, { type: 'delivered' }>): void {
    const { because } = verdict;
    const lastWord = verdict.type === 'retry' ? verdict.lastWord : undefined;
    if (lastWord !== undefined) {
      delivered(this.#client, this.#host, { event, verdict: { type: 'delivered', reply: lastWord, complaint: because } });
      return;
    }
    this.#host.observer.counted('messagesUndelivered', 1);
    this.#host.log.warn({ ...eventIdsOf(event.party, event.seq), because }, 'a message could not be delivered');
  }

  #resumeAtHalf(): void {
    const { limits } = this.#options;
    if (!this.#isPausing || this.#running * 2 > limits.inboxMessages || this.#runningBytes * 2 > limits.inboxBytes) return;
    this.#isPausing = false;
    this.#client.resume();
  }
}

/** One message on its way. */
class Running implements Receiver<MessageVerdict> {
  readonly #inbox: UnorderedInbox;
  readonly #event: MessageEvent;

  constructor(inbox: UnorderedInbox, event: MessageEvent) {
    this.#inbox = inbox;
    this.#event = event;
  }

  settled(verdict: MessageVerdict): void {
    this.#inbox.settled(this.#event, verdict);
  }
}
