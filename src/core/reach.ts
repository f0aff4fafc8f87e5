import type { CloseOutcome, PushOutcome } from './commands.ts';
import type { Companion } from './companion.ts';
import type { Closer, Message, OpenRequest, TagChanges } from './events.ts';
import type { Party } from './party.ts';

/** A connection as far as those see it who reach its client from within this process. */
export interface Reach {
  readonly party: Party;
  readonly remoteAddress: string;
  /** Would a frame be handed to the client's socket now? */
  readonly isOpen: boolean;
  readonly bufferedBytes: number;
  push(message: Message, idempotencyKey: string | null): PushOutcome;
  close(code: number, reason: string, by: Closer): CloseOutcome;
  /** Says what is wrong and changes nothing, or returns null. */
  setTags(changes: TagChanges): string | null;
}

/** Makes the companion of one connection, before its `open` event; null where nobody keeps one. */
export type CompanionFactory = (reach: Reach, request: OpenRequest) => Companion | null;
