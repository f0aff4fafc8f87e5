import type { Link } from './link.ts';
import type { LedgerEntry } from '../../core/ports.ts';
import { isLedgerMessage, type FromWorker, type ToWorker } from './ledger-messages.ts';

/** The supervisor's half of the ipc ledger: which worker has which connections open, and whose worker died. */
export class IpcKeeper {
  #orphans = new Map<string, LedgerEntry>();

  /** Serves a new worker. The returned function is called when its process is gone. */
  add(link: Link): () => void {
    const entries = new Map<string, LedgerEntry>();
    link.onMessage((message) => {
      if (!isLedgerMessage<FromWorker>(message)) return;
      switch (message.ledger) {
        case 'changed':
          for (const entry of message.opened) entries.set(entry.key, entry);
          for (const key of message.forgotten) entries.delete(key);
          break;
        case 'orphans': {
          const answer: ToWorker = { ledger: 'orphans', entries: [...this.#orphans.values()] };
          for (const [key, entry] of this.#orphans) entries.set(key, entry); // its own from now on, should it die too
          this.#orphans = new Map();
          link.send(answer);
          break;
        }
      }
    });
    return () => {
      for (const [key, entry] of entries) this.#orphans.set(key, entry);
      entries.clear();
    };
  }
}
