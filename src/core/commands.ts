import type { Message } from './events.ts';
import type { Selector } from './selector.ts';

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
  | { readonly type: 'unavailable'; readonly detail: string }
  | { readonly type: 'timeout'; readonly detail: string };

export const SENT: Outcome = { type: 'sent' };
export const QUEUED: Outcome = { type: 'queued' };
export const CLOSING: Outcome = { type: 'closing' };
export const NOT_FOUND: Outcome = { type: 'not-found' };

/** What is asked of every process at once. */
export type Query =
  | { readonly type: 'send'; readonly selector: Selector; readonly message: Message }
  | { readonly type: 'set-tags'; readonly selector: Selector; readonly changes: readonly (readonly [string, string])[] }
  | {
      readonly type: 'close-all';
      readonly selector: Selector;
      readonly farewell: Message | null;
      readonly code: number;
      readonly reason: string;
    }
  | { readonly type: 'count'; readonly selector: Selector }
  | { readonly type: 'tree' }
  | { readonly type: 'list'; readonly after: ListCursor | null; readonly limit: number }
  | { readonly type: 'metrics' };

/** A place in the list of all connections: a process by its owner token, and the number of a connection there. */
export type ListCursor = { readonly owner: string; readonly serial: number };

/** One process's part of the answer to a query. */
export type Part = {
  readonly node: string;
  readonly owner: string;
  readonly matched: number;
  readonly sent: number;
  readonly failed: number;
  /** Of `set-tags`: what was wrong, if anything. */
  readonly problem: string | null;
  readonly tree: Readonly<Record<string, Readonly<Record<string, number>>>> | null;
  readonly list: readonly (Description & { readonly serial: number })[] | null;
  /** Of `metrics`: the process's metrics as prom-client's JSON. */
  readonly metrics: readonly unknown[] | null;
};

/** What every process that answered in time said, and the names of those that did not. */
export type Answers = { readonly parts: readonly Part[]; readonly unreachable: readonly string[] };
