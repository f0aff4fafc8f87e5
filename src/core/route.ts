import type { IntakeFactory } from './intake.ts';
import type { Limits } from './limits.ts';
import type { Backend } from './ports.ts';
import type { CompanionFactory } from './reach.ts';

/** A client path with what serves it (docs/routes.md#a-route). */
export type Route = {
  readonly name: string;
  readonly backend: Pick<Backend, 'open' | 'close'>;
  /** What the backend's system is called in logs; routes of one name share its bounds on `open` and `close` events. */
  readonly backendName: string;
  /** Takes the messages of each of its connections. */
  readonly intake: IntakeFactory;
  /** Makes what somebody within this process keeps for each of its connections. */
  readonly companion?: CompanionFactory | undefined;
  readonly limits: Limits;
  /** Where clients choose their ids: within what they are unique (`core/address`). Empty: with all others that have none. */
  readonly namespace: string;
  /** Where clients choose their ids: which of two with one id stays (docs/routes.md#two-connections-with-one-id). */
  readonly duplicateId: 'newest' | 'oldest';
  /** The form of the ids that the gateway gives: short ones (`core/short-ids`) are no secrets. */
  readonly idForm: 'long' | 'short';
  /** Pushes to a client that is still being let in: kept until it is open, or answered as if nobody were there. */
  readonly earlyPushes: 'kept' | 'refused';
  /** Else a binary message ends its client with 1003. */
  readonly takesBinary: boolean;
};
