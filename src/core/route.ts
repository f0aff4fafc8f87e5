import type { ConversationalDialect } from './conversation.ts';
import type { Limits } from './limits.ts';
import type { Backend, Dialect } from './ports.ts';

/** A client path with what serves it (CONTRACT §4). */
export type Route = {
  readonly name: string;
  readonly dialect: Dialect | ConversationalDialect;
  readonly backend: Backend;
  readonly limits: Limits;
  /** Where clients choose their ids: which of two with one id stays (CONTRACT §5). */
  readonly duplicateId: 'newest' | 'oldest';
};
