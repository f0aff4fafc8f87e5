import { setImmediate as turn } from 'node:timers/promises';
import type { Ledger } from '../../../src/core/ports.ts';
import { IpcKeeper } from '../../../src/engines/processes/keeper.ts';
import { createIpcLedger } from '../../../src/engines/processes/ledger.ts';
import { ledgerContract } from '../../contracts/ledger.ts';
import { linked } from './linked.ts';

function join(keeper: IpcKeeper): { readonly ledger: Ledger; readonly leave: () => void } {
  const [ours, supervisors] = linked();
  const leave = keeper.add(supervisors);
  return { ledger: createIpcLedger(ours), leave };
}

/** What was sent is with the keeper: gathered in one turn, carried in the next. */
async function delivered(): Promise<void> {
  for (let turns = 0; turns < 3; turns += 1) await turn();
}

ledgerContract({
  name: 'processes',
  level: 'process',
  async create(t) {
    const { ledger } = join(new IpcKeeper());
    t.after(() => ledger.close());
    return ledger;
  },
  async house(t) {
    const keeper = new IpcKeeper();
    return {
      async join() {
        const { ledger, leave } = join(keeper);
        let isDead = false;
        t.after(() => (isDead ? undefined : ledger.close()));
        return {
          ledger: {
            opened: async (entry) => ledger.opened(entry),
            async forget(key) {
              ledger.forget(key);
              await delivered();
            },
            orphans: () => ledger.orphans(),
            async close() {
              await ledger.close();
              leave(); // a process that has closed ends, and the supervisor sees it
            },
          },
          async die() {
            isDead = true;
            leave();
            await delivered();
          },
        };
      },
    };
  },
});
