import type { Failure, PushOutcome } from './commands.ts';
import type { Sender } from '../wire/event-headers.ts';
import type { Message, MessageEvent, TagChanges } from './events.ts';
import type { Limits } from './limits.ts';
import type { Meter } from './meter.ts';
import type { Backend, Clock, Dialect, Log } from './ports.ts';

/** An error as an RPC protocol words it. */
export type RpcError = {
  readonly code: string;
  readonly description: string;
  /** JSON text of an object; it passes through as it came. */
  readonly detailsJson: string;
};

/** What a backend asks of a client that is called, not just written to. Plain data: commands cross processes. */
export type RpcCommand =
  | {
      readonly type: 'rpc-call';
      readonly id: string;
      readonly messageId: string;
      readonly action: string;
      readonly payloadJson: string;
      /** Null: the answer travels up as an event. Else it is the outcome, if it comes within this time. */
      readonly waitMs: number | null;
    }
  | { readonly type: 'rpc-send'; readonly id: string; readonly messageId: string; readonly action: string; readonly payloadJson: string }
  | { readonly type: 'rpc-reject'; readonly id: string; readonly messageId: string; readonly error: RpcError };

/** What came of it (CONTRACT G4): `not-found`, `conflict`, `too-long` and `slow` mean that nothing was sent. */
export type RpcOutcome = RpcAnswer | Failure;

export type RpcAnswer =
  | { readonly type: 'accepted' }
  | { readonly type: 'answered'; readonly payloadJson: string }
  | { readonly type: 'rejected'; readonly error: RpcError }
  | { readonly type: 'unanswered'; readonly detail: string }
  | { readonly type: 'conflict'; readonly detail: string };

export const ACCEPTED: RpcOutcome = { type: 'accepted' };

/** Counters of all conversations of one process, beside those of `Meter`. */
export class RpcMeter {
  callsReceived = 0;
  /** Calls of clients that got an error because their time was over. */
  callsExpired = 0;
  callsSent = 0;
  /** Calls of the backend that no client answered in time. */
  callsUnanswered = 0;
  /** Calls of the backend that were still queued when their client left. */
  callsLost = 0;
  /** Answers that came late, twice, or to nothing. */
  answersDropped = 0;
  framesMalformed = 0;
  /** Empty frames, and frames of a type that the client's version does not have. */
  framesIgnored = 0;
}

/** A client as a conversation can touch it. */
export interface Peer {
  /** Sends a frame that nobody counts on yet. Any outcome but `sent` and `queued` means that nothing was sent. */
  push(message: Message, idempotencyKey: null): PushOutcome;
  /** Sends a frame that somebody counts on: a client too slow for it is ended. Does nothing once the client is gone. */
  reply(message: Message): void;
  close(code: number, reason: string): unknown;
  /** Reads no further; each `pause` is undone by one `resume`. */
  pause(): void;
  resume(): void;
}

/** What a conversation needs from the connection it belongs to. `Connection` is one: `limits` and `backend` are its route's. */
export interface ConversationHost extends Sender, Peer {
  readonly subprotocol: string | null;
  readonly limits: Limits;
  readonly backend: Backend;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly rpcMeter: RpcMeter;
  /** Of a backend's answer (`WS-Set-Tags`). Says what is wrong and changes nothing, or returns null. */
  setTags(changes: TagChanges): string | null;
  /** Nothing is left to deliver: the `close` event may follow, if the client has left. Not called from inside `ended`. */
  emptied(): void;
}

/**
 * Takes the place of the inbox where messages are more than opaque bytes: calls and answers, both ways. It lives as long
 * as its connection and delivers what it has read also after the client has left. Nothing in it throws for any input.
 */
export interface Conversation {
  /** A whole message of the client, in the order sent. `event.seq` counts them all, also those that no event follows. */
  received(event: MessageEvent): void;
  /** The upgrade is done. Commands that came before go out now, after the connection's own early pushes (G6). */
  opened(): void;
  /** The client is gone, or was refused. Called once, and last but for results of calls. Who waits for an answer is told. */
  ended(): void;
  command(command: RpcCommand): RpcOutcome | Promise<RpcOutcome>;
  /** Is everything read delivered or given up? Then the `close` event may follow `ended` at once (G2: it comes last). */
  readonly isIdle: boolean;
}

/** A dialect whose messages are a conversation. `open` and `close` events are as in any other. */
export interface ConversationalDialect extends Omit<Dialect, 'encodeMessage' | 'decodeMessage'> {
  /** Called once per connection, before its `open` call. */
  converse(host: ConversationHost): Conversation;
}
