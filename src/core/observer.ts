import type { Failure } from './commands.ts';
import type { CloseEvent, CloseVerdict, Message, MessageEvent, MessageVerdict, OpenRequest, Refusal } from './events.ts';
import type { Party } from './party.ts';

/** What is only counted; `core/meter.ts` says what each of them means. */
export type Counter =
  | 'closesDelivered'
  | 'closesLost'
  | 'orphansTold'
  | 'messagesDelivered'
  | 'messagesComplained'
  | 'messagesRetried'
  | 'messagesUndelivered'
  | 'pushesQueued'
  | 'slowClientsEnded'
  | 'pingTimeouts'
  | 'backendFailures'
  | 'callsReceived'
  | 'callsExpired'
  | 'callsSent'
  | 'callsUnanswered'
  | 'callsLost'
  | 'answersDropped'
  | 'framesMalformed'
  | 'framesIgnored'
  | 'envelopesDropped';

/** A client that asked at this time (of `Clock.now`) to be let in. Refused, it was never a connection. */
export type Attempt = {
  /** The name of its route. */
  readonly route: string;
  readonly request: OpenRequest;
  readonly askedAt: number;
};

/** What is known of a connection beside its `close` event. */
export type Life = {
  readonly remoteAddress: string;
  /** Epoch ms. */
  readonly connectedAt: number;
};

/**
 * Hears what happens, and changes nothing of it: counters, tracing, a console and a library's observers are observers.
 * Called from the path of a message, before whatever follows from what happened: it must return at once, never throw, and
 * keep no `Buffer` that it was given. `askedAt` is a time of `Clock.now`.
 */
export interface Observer {
  /** The backend let a client in. */
  opened(party: Party, askedAt: number): void;
  /** A client was refused, by the backend or by a limit. */
  refused(refusal: Refusal, attempt: Attempt): void;
  /** A whole message of a client was read. */
  received(event: MessageEvent): void;
  /** The backend's verdict on an event that it was first asked about then. After `retry` there will be another. */
  answered(event: MessageEvent | CloseEvent, verdict: MessageVerdict | CloseVerdict, askedAt: number): void;
  /** A frame was handed to a client's socket. */
  pushed(party: Party, message: Message): void;
  /** A push was refused: too long, or the client reads too slowly. */
  pushRefused(party: Party, outcome: Failure): void;
  /** A connection has ended and its `close` event is due. `life` is null where its process died and another tells of it. */
  closed(event: CloseEvent, life: Life | null): void;
  counted(counter: Counter, amount: number): void;
}

/** Tells several observers, in their order. They may come and go: one that is not there costs nothing. */
export class Observers implements Observer {
  #all: readonly Observer[];

  constructor(first: readonly Observer[]) {
    this.#all = first;
  }

  attach(observer: Observer): void {
    if (!this.#all.includes(observer)) this.#all = [...this.#all, observer];
  }

  detach(observer: Observer): void {
    this.#all = this.#all.filter((other) => other !== observer);
  }

  opened(party: Party, askedAt: number): void {
    for (const one of this.#all) one.opened(party, askedAt);
  }

  refused(refusal: Refusal, attempt: Attempt): void {
    for (const one of this.#all) one.refused(refusal, attempt);
  }

  received(event: MessageEvent): void {
    for (const one of this.#all) one.received(event);
  }

  answered(event: MessageEvent | CloseEvent, verdict: MessageVerdict | CloseVerdict, askedAt: number): void {
    for (const one of this.#all) one.answered(event, verdict, askedAt);
  }

  pushed(party: Party, message: Message): void {
    for (const one of this.#all) one.pushed(party, message);
  }

  pushRefused(party: Party, outcome: Failure): void {
    for (const one of this.#all) one.pushRefused(party, outcome);
  }

  closed(event: CloseEvent, life: Life | null): void {
    for (const one of this.#all) one.closed(event, life);
  }

  counted(counter: Counter, amount: number): void {
    for (const one of this.#all) one.counted(counter, amount);
  }
}
