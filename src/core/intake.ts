import type { OwnCloseCode } from './close-codes.ts';
import type { PushOutcome, RpcOutcome } from './commands.ts';
import type { RpcCommand } from './rpc.ts';
import type { Message, MessageEvent, TagChanges } from './events.ts';
import type { Observer } from './observer.ts';
import type { Party } from './party.ts';
import type { Clock, Log } from './ports.ts';

/** The connection that an intake belongs to, as far as the intake touches it. */
export interface IntakeClient {
  readonly party: Party;
  /** Sends a frame that nobody counts on yet. Any outcome but `sent` and `queued` means that nothing was sent. */
  push(message: Message, idempotencyKey: null): PushOutcome;
  /** Sends a frame that somebody counts on: a client too slow for it is ended. Does nothing once the client is gone. */
  reply(message: Message): void;
  close(code: OwnCloseCode, reason: string): unknown;
  /** Reads no further; each `pause` is undone by one `resume`. */
  pause(): void;
  resume(): void;
  /** Says what is wrong and changes nothing, or returns null. */
  setTags(changes: TagChanges): string | null;
  /** Nothing is left to deliver: the `close` event may follow, if the client has left. Not called from inside `ended`. */
  emptied(): void;
}

/** What all intakes of a process share. */
export interface IntakeHost {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Observer;
}

/** Makes the intake of one connection, before its `open` event. */
export type IntakeFactory = (client: IntakeClient, host: IntakeHost) => Intake;

/**
 * Takes what a client sends and delivers it. It lives as long as its connection and delivers what it has read also after
 * the client has left. Nothing in it throws for any input. The inbox is one; a dialect whose messages are calls and
 * answers brings its own.
 */
export interface Intake {
  /** A whole message of the client, in the order sent. `event.seq` counts them all, also those that no event follows. */
  received(event: MessageEvent): void;
  /** The upgrade is done. Commands that came before go out now, after the connection's own early pushes (G6). */
  opened(): void;
  /** The client is gone, or was refused. Called once, and last but for verdicts. Who waits for an answer is told. */
  ended(): void;
  command(command: RpcCommand): RpcOutcome | Promise<RpcOutcome>;
  /** Is everything read delivered or given up? Then the `close` event may follow `ended` at once (G2: it comes last). */
  readonly isIdle: boolean;
  /** Messages read, and neither delivered nor given up: for metrics, asked at each scrape. */
  readonly undelivered: number;
  /** Has the backend not taken a message that will be sent again? For metrics, too. */
  readonly isHolding: boolean;
}
