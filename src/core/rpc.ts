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
