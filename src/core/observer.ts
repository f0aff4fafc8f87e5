import type { PushOutcome } from './commands.ts';
import type { CloseEvent, Refusal } from './events.ts';
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
  | 'pushesRefused'
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
  | 'envelopesDropped'
  | 'goodbyesSaid'
  /** A push to one connection was answered so. */
  | `push ${PushOutcome['type']}`;

/**
 * Hears what happens, and changes nothing of it: counters, tracing, a console and a library's observers are observers.
 * Called from the path of a message, before whatever follows from what happened: it must return at once and never throw.
 */
export interface Observer {
  /** The backend let a client in. */
  opened(party: Party): void;
  /** A client was refused, by the backend or by a limit. */
  refused(refusal: Refusal): void;
  /** A whole message of a client was read. */
  received(party: Party, bytes: number): void;
  /** A frame was handed to a client's socket. */
  pushed(party: Party, bytes: number): void;
  /** A connection has ended and its `close` event is due. */
  closed(event: CloseEvent): void;
  counted(counter: Counter, amount: number): void;
}

/** One observer that tells all of these, in their order. */
export function observeAll(observers: readonly Observer[]): Observer {
  const [only] = observers;
  if (observers.length === 1 && only !== undefined) return only;
  return {
    opened: (party) => observers.forEach((one) => one.opened(party)),
    refused: (refusal) => observers.forEach((one) => one.refused(refusal)),
    received: (party, bytes) => observers.forEach((one) => one.received(party, bytes)),
    pushed: (party, bytes) => observers.forEach((one) => one.pushed(party, bytes)),
    closed: (event) => observers.forEach((one) => one.closed(event)),
    counted: (counter, amount) => observers.forEach((one) => one.counted(counter, amount)),
  };
}
