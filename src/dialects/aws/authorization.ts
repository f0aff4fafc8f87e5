import type { OpenEvent, Refusal } from '../../core/events.ts';
import type { FunctionTarget } from '../../wire/functions.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { AwsApi } from './api.ts';

/** A client may go on to $connect. */
export type Allowed = {
  readonly type: 'allowed';
  /** Null: nobody said one. */
  readonly principalId: string | null;
  /** Told as `requestContext.authorizer` in every event of the connection, beside `principalId` and `integrationLatency`. */
  readonly context: Readonly<Record<string, unknown>>;
  /** How long the authorizer took, in ms. */
  readonly latencyMs: number;
  /** Epoch ms at which the connection is to be closed; null: never. */
  readonly expiresAt: number | null;
};

/** Decides about a client before $connect is asked. Never throws; a refusal is answered to the upgrade as it is (`refusing.ts`). */
export interface Authorizer {
  /** `waitUntil`: the time, of `Clock.now`, until which it is worth holding the call back while its function cannot be reached. */
  authorize(event: OpenEvent, waitUntil: number): Promise<Allowed | Refusal>;
}

export type AuthorizerOptions = {
  readonly api: AwsApi;
  /** What runs its function; null: there is none, a token decides. */
  readonly target: FunctionTarget | null;
  readonly clock: Clock;
  readonly log: Log;
};
