import type { LedgerEntry } from '../../core/ports.ts';

/** What a worker tells the supervisor's keeper. Of one message, `opened` counts before `forgotten`. */
export type FromWorker =
  | { readonly ledger: 'changed'; readonly opened: readonly LedgerEntry[]; readonly forgotten: readonly string[] }
  | { readonly ledger: 'orphans' };

export type ToWorker = { readonly ledger: 'orphans'; readonly entries: readonly LedgerEntry[] };

export function isLedgerMessage<Message extends { readonly ledger: string }>(message: object): message is Message {
  return 'ledger' in message;
}
