import type { Failure, PushOutcome } from './commands.ts';
import type { CloseEvent, CloseVerdict, Message, MessageEvent, MessageVerdict, OpenRequest, Refusal } from './events.ts';
import type { Party } from './party.ts';

/** What is only counted; `core/meter.ts` says what each of them means. */
export type Counter =
  | 'closesDelivered'
  | 'closesRetried'
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
  | 'handshakesRefused'
  | 'tokensRefused'
  | 'envelopesDropped'
  | 'commandsExecuted'
  | 'commandsDropped'
  | 'commandsExpired'
  | 'commandsClaimed'
  | 'goodbyesSaid'
  /** A push to one connection was answered so. */
  | `push ${PushOutcome['type']}`;

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
  opened(party: Party, askedAt: number, request: OpenRequest): void;
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

/**
 * What hears something of what happens: of what an observer can be told that which it takes, and `failed`, which follows `answered`
 * where the backend did not take an event, or said something against it.
 */
export type Listener = Partial<Observer & { failed: Observer['answered'] }>;

type Heard = keyof Observer | 'failed';
type Hearing<What extends Heard> = readonly Required<Pick<Listener, What>>[];

/** Tells several listeners, in their order. They may come and go; what nobody listens to costs nothing. */
export class Observers implements Observer {
  #all: readonly Listener[] = [];
  #opened: Hearing<'opened'> = [];
  #refused: Hearing<'refused'> = [];
  #received: Hearing<'received'> = [];
  #answered: Hearing<'answered'> = [];
  #failed: Hearing<'failed'> = [];
  #pushed: Hearing<'pushed'> = [];
  #pushRefused: Hearing<'pushRefused'> = [];
  #closed: Hearing<'closed'> = [];
  #counted: Hearing<'counted'> = [];

  constructor(first: readonly Listener[]) {
    this.#listenTo(first);
  }

  attach(listener: Listener): void {
    if (!this.#all.includes(listener)) this.#listenTo([...this.#all, listener]);
  }

  detach(listener: Listener): void {
    this.#listenTo(this.#all.filter((other) => other !== listener));
  }

  opened(party: Party, askedAt: number, request: OpenRequest): void {
    for (const one of this.#opened) one.opened(party, askedAt, request);
  }

  refused(refusal: Refusal, attempt: Attempt): void {
    for (const one of this.#refused) one.refused(refusal, attempt);
  }

  received(event: MessageEvent): void {
    for (const one of this.#received) one.received(event);
  }

  answered(event: MessageEvent | CloseEvent, verdict: MessageVerdict | CloseVerdict, askedAt: number): void {
    for (const one of this.#answered) one.answered(event, verdict, askedAt);
    if (isFailure(verdict)) for (const one of this.#failed) one.failed(event, verdict, askedAt);
  }

  pushed(party: Party, message: Message): void {
    for (const one of this.#pushed) one.pushed(party, message);
  }

  pushRefused(party: Party, outcome: Failure): void {
    for (const one of this.#pushRefused) one.pushRefused(party, outcome);
  }

  closed(event: CloseEvent, life: Life | null): void {
    for (const one of this.#closed) one.closed(event, life);
  }

  counted(counter: Counter, amount: number): void {
    for (const one of this.#counted) one.counted(counter, amount);
  }

  #listenTo(all: readonly Listener[]): void {
    const hearing = <What extends Heard>(what: What): Hearing<What> => all.filter((one): one is Hearing<What>[number] => what in one);
    this.#all = all;
    this.#opened = hearing('opened');
    this.#refused = hearing('refused');
    this.#received = hearing('received');
    this.#answered = hearing('answered');
    this.#failed = hearing('failed');
    this.#pushed = hearing('pushed');
    this.#pushRefused = hearing('pushRefused');
    this.#closed = hearing('closed');
    this.#counted = hearing('counted');
  }
}

function isFailure(verdict: MessageVerdict | CloseVerdict): boolean {
  return verdict.type === 'retry' || verdict.type === 'failed' || ('complaint' in verdict && verdict.complaint !== null);
}
