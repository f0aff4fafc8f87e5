import type { Clock, Log, Receiver } from '../core/ports.ts';
import type { BackendAnswer, BackendFailure, CallKind } from './calls.ts';
import type { TargetSpec } from './targets.ts';

/** One invocation of a function that takes one JSON document and returns one, as AWS Lambda's do. */
export type FunctionCall = {
  readonly kind: CallKind | 'authorize';
  /** The event, as JSON text. */
  readonly payload: string;
  /** For the whole invocation, from the moment that it is handed over. */
  readonly timeoutMs: number;
  /** A longer answer is the failure `too-long`. */
  readonly maxAnswerBytes: number;
  readonly connectionId: string;
  /** `requestContext.requestId` of the event. */
  readonly requestId: string;
  /** What a target that is called over HTTP says in headers beside: name, value, name, value … */
  readonly headers?: readonly string[];
};

export type FunctionResult =
  /** JSON text of what the function returned; of a function that breaks its contract it may be empty, or no JSON at all. */
  | { readonly type: 'returned'; readonly payload: Buffer }
  /** A webhook that answers in the words of HTTP: its answer as it is. */
  | { readonly type: 'answered'; readonly answer: BackendAnswer }
  /** The function failed: an exception, an exit, no memory left, its own time-out. */
  | ({ readonly type: 'threw'; readonly errorType: string; readonly message: string } & Refusable)
  | (BackendFailure & Refusable);

/** What runs the function has refused to: as a failure for now (too many calls), thrown for good (no permission, no such function). */
type Refusable = { readonly isRefusal?: true };

/** Runs one function. Bounded, fair, and never throwing: whatever happens is a result. */
export interface FunctionTarget {
  /** `waitUntil`: the time, of `Clock.now`, until which it is worth holding the call back while the function cannot be reached. */
  invoke(call: FunctionCall, receiver: Receiver<FunctionResult>, waitUntil: number): void;
  /** Ends what is idle at once and running calls with `stopped`. Idempotent. */
  stop(): Promise<void>;
  /** Calls from now on run the code as it lies there now; only a target that has code of its own has this. */
  reload?(): void;
}

/** Wraps what runs a function, for whoever watches it. */
export type AroundFunction = (target: FunctionTarget, spec: TargetSpec) => FunctionTarget;

/** What a dialect that calls functions is given. */
export type FunctionHost = {
  /** What runs this function; the same one for equal specs, and ended with the process. Rejects where it cannot be opened. */
  readonly open: (spec: TargetSpec) => Promise<FunctionTarget>;
  readonly clock: Clock;
  readonly log: Log;
};
