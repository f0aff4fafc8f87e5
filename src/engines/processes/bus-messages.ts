import type { Answers, Command, Outcome, Part, Query } from '../../core/commands.ts';

/** How long an answer to what was begun in time may take. */
export const ANSWER_MS = 250;

/**
 * What a worker tells the supervisor. What is not begun by `beginBy` (machine time) is not carried out: its asker was
 * answered that it was not. `n` names a question; its answer carries the same.
 */
export type FromWorker =
  | { readonly bus: 'hello'; readonly owner: string }
  | { readonly bus: 'ask'; readonly n: number; readonly command: Command; readonly beginBy: number }
  | { readonly bus: 'ask-all'; readonly n: number; readonly query: Query; readonly beginBy: number }
  | { readonly bus: 'done'; readonly n: number; readonly outcome: Outcome }
  | { readonly bus: 'part'; readonly n: number; readonly part: Part }
  | { readonly bus: 'claim'; readonly n: number; readonly id: string; readonly key: string; readonly mayReplace: boolean }
  | { readonly bus: 'release'; readonly id: string; readonly key: string };

/** What the supervisor tells a worker. */
export type ToWorker =
  | { readonly bus: 'welcome' }
  | { readonly bus: 'execute'; readonly n: number; readonly command: Command; readonly beginBy: number }
  | { readonly bus: 'answer'; readonly n: number; readonly query: Query; readonly beginBy: number }
  | { readonly bus: 'outcome'; readonly n: number; readonly outcome: Outcome }
  | { readonly bus: 'answers'; readonly n: number; readonly answers: Answers }
  | { readonly bus: 'claimed'; readonly n: number; readonly isGranted: boolean }
  | { readonly bus: 'evict'; readonly id: string; readonly key: string }
  | { readonly bus: 'bereaved' };

/** Messages of other parts (the ledger, the supervisor itself) go over the same link. */
export function isBusMessage<Message extends { readonly bus: string }>(message: object): message is Message {
  return 'bus' in message;
}
