import type { Link } from './link.ts';
import type { Ledger, LedgerEntry } from '../../core/ports.ts';
import { isLedgerMessage, type FromWorker, type ToWorker } from './ledger-messages.ts';

/**
 * The ledger of a worker without JOURNAL_DIR: the supervisor keeps the entries, so that the ends of a dead worker's
 * connections are told by a living one. It does not survive the supervisor.
 */
export function createIpcLedger(link: Link): Ledger {
  const waiting: ((entries: readonly LedgerEntry[]) => void)[] = [];
  let opened: LedgerEntry[] = [];
  let forgotten: string[] = [];
  let written: (() => void)[] = [];
  let isScheduled = false;

  link.onMessage((message) => {
    if (isLedgerMessage<ToWorker>(message)) waiting.shift()?.(message.entries);
  });

  /** One message for all that a turn of the event loop brought. */
  function flush(): void {
    isScheduled = false;
    const message: FromWorker = { ledger: 'changed', opened, forgotten };
    const resolvers = written;
    opened = [];
    forgotten = [];
    written = [];
    link.send(message, () => {
      for (const resolve of resolvers) resolve();
    });
  }

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(flush);
  }

  return {
    level: 'process',
    problem: null,
    opened(entry) {
      opened.push(entry);
      schedule();
      return new Promise((resolve) => written.push(resolve));
    },
    forget(key) {
      forgotten.push(key);
      schedule();
    },
    orphans() {
      return new Promise((resolve) => {
        waiting.push(resolve);
        const message: FromWorker = { ledger: 'orphans' };
        link.send(message);
      });
    },
    close: () =>
      new Promise((resolve) => {
        written.push(resolve);
        flush();
      }),
  };
}
