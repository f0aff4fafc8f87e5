import type { RpcAnswer, RpcCommand } from './rpc.ts';
import type { Message } from './events.ts';
import type { Selector } from './selector.ts';
import type { Question, Seen } from './sightings.ts';

/** To whom a command may go: a connection of another route is nobody. Absent: to all. */
type Within = { readonly routes?: readonly string[] };

/** What a backend asks of one connection; `id` is its address (`core/address`). Commands cross processes: plain data only. */
export type Command =
  | ({ readonly type: 'push'; readonly id: string; readonly message: Message; readonly idempotencyKey: string | null } & Within)
  | ({ readonly type: 'close'; readonly id: string; readonly code: number; readonly reason: string } & Within)
  /** `onlyHolder`: a client that chose the id and is still being asked about is nobody. */
  | ({ readonly type: 'describe'; readonly id: string; readonly onlyHolder?: true } & Within)
  | RpcCommand;

export type Description = {
  readonly id: string;
  /** Where its client chose the id: within what it is unique. */
  readonly namespace: string;
  readonly path: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly connectedAt: number;
  readonly lastActiveAt: number;
  readonly remoteAddress: string;
  readonly subprotocol: string | null;
  readonly node: string;
};

/** Nothing was sent, or nobody knows (`timeout`). */
export type Failure =
  | { readonly type: 'not-found' }
  | { readonly type: 'invalid'; readonly detail: string }
  /** A text frame was to carry bytes that are not UTF-8 (RFC 6455 §5.6). */
  | { readonly type: 'not-text' }
  | { readonly type: 'too-long'; readonly maxBytes: number }
  | { readonly type: 'slow'; readonly retryAfterMs: number }
  | { readonly type: 'unavailable'; readonly detail: string }
  | { readonly type: 'timeout'; readonly detail: string };

export type PushOutcome = { readonly type: 'sent' } | { readonly type: 'queued' } | Failure;
export type CloseOutcome = { readonly type: 'closing' } | { readonly type: 'queued' } | Failure;
/** `data`: what the open verdict gave, or the dialect; a process of an earlier version does not tell. */
export type DescribeOutcome = { readonly type: 'described'; readonly description: Description; readonly data?: string | null } | Failure;

export type RpcOutcome = RpcAnswer | Failure;

/** What came of a command (docs/guarantees.md#g4-a-pushs-answer-is-true: it is true). */
export type Outcome = PushOutcome | CloseOutcome | DescribeOutcome | RpcOutcome;

/** What can come of each type of command. */
export type OutcomeOf<Type extends Command['type']> = {
  readonly push: PushOutcome;
  readonly close: CloseOutcome;
  readonly describe: DescribeOutcome;
  readonly 'rpc-call': RpcOutcome;
  readonly 'rpc-send': RpcOutcome;
  readonly 'rpc-reject': RpcOutcome;
}[Type];

/** Does a command, wherever its connection is. */
export type Dispatch = <Type extends Command['type']>(
  command: Extract<Command, { readonly type: Type }>,
) => OutcomeOf<Type> | Promise<OutcomeOf<Type>>;

export const SENT = { type: 'sent' } as const;
export const QUEUED = { type: 'queued' } as const;
export const CLOSING = { type: 'closing' } as const;
export const NOT_FOUND = { type: 'not-found' } as const;
export const NOT_TEXT = { type: 'not-text' } as const;

/** Which connections are looked for: everything that is neither null nor empty must match. */
export type Search = {
  /** The whole id, or a part of it. */
  readonly id: string | null;
  /** A part of the path. */
  readonly path: string | null;
  readonly tags: readonly (readonly [key: string, value: string])[];
};

export type SearchQuery = { readonly type: 'search'; readonly search: Search; readonly after: ListCursor | null; readonly limit: number };

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
  | SearchQuery
  | { readonly type: 'observe'; readonly question: Question }
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
  /** What was wrong with the tags, in the answer to `set-tags`; null: nothing. */
  readonly problem: string | null;
  readonly tree: Readonly<Record<string, Readonly<Record<string, number>>>> | null;
  readonly list: readonly (Description & { readonly serial: number })[] | null;
  /** In the answer to `search`: the serial number up to which was looked, where more is left. */
  readonly reached: number | null;
  /** In the answer to `observe`. */
  readonly seen: Seen | null;
  /** The process's metrics as prom-client's JSON, in the answer to `metrics`. */
  readonly metrics: readonly unknown[] | null;
};

/** What every process that answered in time said, and the names of those that did not. */
export type Answers = { readonly parts: readonly Part[]; readonly unreachable: readonly string[] };
