/** A process that keeps a journal in the directory that its argument names (a second one: JSON, options), and does what its parent says. */
import type { LedgerEntry } from '../../../src/core/ports.ts';
import { CHURN_BATCH } from './journal-churn.ts';
import { createJournal } from '../../../src/engines/local/journal.ts';

export type Order =
  | { readonly type: 'opened'; readonly entries: readonly LedgerEntry[] }
  | { readonly type: 'forget'; readonly key: string }
  | { readonly type: 'orphans' }
  | { readonly type: 'churn' }
  | { readonly type: 'close' };
/** `batch`: of a churn, all up to this one is acknowledged. */
export type Reply = { readonly entries: readonly LedgerEntry[]; readonly pid: number; readonly batch?: number };

const silent = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {}, isDebugging: false };
const journal = await createJournal({ directory: process.argv[2] ?? '', log: silent, ...(JSON.parse(process.argv[3] ?? '{}') as object) });

const pulse: LedgerEntry = { key: 'pulse', id: 'pulse', route: 'default', path: '/', tags: null, data: null };

async function obey(order: Order): Promise<readonly LedgerEntry[]> {
  switch (order.type) {
    case 'opened':
      await Promise.all(order.entries.map(async (entry) => journal.opened(entry)));
      return [];
    case 'forget':
      journal.forget(order.key);
      await journal.opened(pulse); // written after it, so that it is written too
      return [];
    case 'orphans':
      return (await journal.orphans()).filter(({ key }) => key !== pulse.key);
    case 'churn':
      for (let batch = 0; ; batch += 1) {
        await Promise.all(
          Array.from({ length: CHURN_BATCH }, async (_, number) => journal.opened({ ...pulse, key: `${batch}-${number}` })),
        );
        process.send?.({ entries: [], pid: process.pid, batch } satisfies Reply);
        for (let number = 1; number < CHURN_BATCH; number += 1) journal.forget(`${batch - 1}-${number}`);
      }
    case 'close':
      journal.forget(pulse.key);
      await journal.close();
      return [];
  }
}

process.on('message', (order: Order) => {
  void obey(order).then((entries) => process.send?.({ entries, pid: process.pid } satisfies Reply));
});
process.send?.({ entries: [], pid: process.pid } satisfies Reply);
