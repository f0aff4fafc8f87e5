import type { Message } from './events.ts';

/** What a backend asks of one connection. Commands cross processes: plain data only. */
export type Command =
  | { readonly type: 'push'; readonly id: string; readonly message: Message; readonly idempotencyKey: string | null }
  | { readonly type: 'close'; readonly id: string; readonly code: number; readonly reason: string }
  | { readonly type: 'describe'; readonly id: string };

export type Description = {
  readonly id: string;
  readonly path: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly connectedAt: number;
  readonly lastActiveAt: number;
  readonly remoteAddress: string;
  readonly subprotocol: string | null;
  readonly node: string;
};

/** What came of a command (CONTRACT G4: it is true). */
export type Outcome =
  | { readonly type: 'sent' }
  | { readonly type: 'queued' }
  | { readonly type: 'closing' }
  | { readonly type: 'described'; readonly description: Description }
  | { readonly type: 'not-found' }
  | { readonly type: 'invalid'; readonly detail: string }
  | { readonly type: 'too-long'; readonly maxBytes: number }
  | { readonly type: 'slow'; readonly retryAfterMs: number }
  | { readonly type: 'unavailable'; readonly detail: string };

export const SENT: Outcome = { type: 'sent' };
export const QUEUED: Outcome = { type: 'queued' };
export const CLOSING: Outcome = { type: 'closing' };
export const NOT_FOUND: Outcome = { type: 'not-found' };
