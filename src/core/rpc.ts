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

/** What came of it; `conflict` means that nothing was sent. */
export type RpcAnswer =
  | { readonly type: 'accepted' }
  | { readonly type: 'answered'; readonly payloadJson: string }
  | { readonly type: 'rejected'; readonly error: RpcError }
  | { readonly type: 'unanswered'; readonly detail: string }
  | { readonly type: 'conflict'; readonly detail: string };

export const ACCEPTED: RpcAnswer = { type: 'accepted' };

/** Counters of the calls and answers of one process, beside those of `Meter`. */
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
