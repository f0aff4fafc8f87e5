import type { Log } from '../core/ports.ts';
import { openEngine, type Engine } from './index.ts';
import { createMemoryBus } from './local/bus.ts';
import { createJournal } from './local/journal.ts';
import { createNoLedger } from './local/no-ledger.ts';
import { leaseOf } from './membership.ts';
import { createIpcBus } from './processes/bus.ts';
import { createIpcLedger } from './processes/ledger.ts';
import type { Link } from './processes/link.ts';

export type JoinOptions = {
  /** What CLUSTER_URL and its fellows say. */
  readonly engine:
    | { readonly url: string; readonly credentials: string | null; readonly cluster: string; readonly leaseMs: number }
    | undefined;
  /** JOURNAL_DIR. */
  readonly journal: string | undefined;
  /** Longest wait for another process. */
  readonly timeoutMs: number;
  readonly owner: string;
  readonly node: string;
  /** To the supervisor, in a worker. */
  readonly link: Link | null;
  readonly log: Log;
  /** Messages of the cluster came that could not be understood. */
  readonly garbageCame: (messages: number) => void;
};

/** A process's bus and ledger, and what carries them. */
export type Joined = Engine;

/** Joins this process with others: by CLUSTER_URL's engine, which every worker joins by itself, else by what its machine has. */
export async function join({ engine, journal, timeoutMs, owner, node, link, log, garbageCame }: JoinOptions): Promise<Joined> {
  if (engine !== undefined) {
    if (journal !== undefined) log.warn({}, 'JOURNAL_DIR is not used beside CLUSTER_URL, whose engine remembers open connections');
    return openEngine({ ...engine, lease: leaseOf(engine.leaseMs), owner, node, timeoutMs, log, garbageCame });
  }
  const ledgerOf = () => (link === null ? createNoLedger() : createIpcLedger(link));
  return {
    name: link === null ? 'memory' : 'ipc',
    bus: link === null ? createMemoryBus() : createIpcBus({ link, owner, timeoutMs }),
    ledger: journal === undefined ? ledgerOf() : await createJournal({ directory: journal, log }),
    problem: () => null,
    isInDoubt: () => false,
    leaseAgeMs: () => null,
  };
}

/** Why nobody may come in now; null: nothing is in the way. */
export function whyClosed({ problem, isInDoubt }: Joined, isBusRequired: boolean): string | null {
  if (isInDoubt()) return 'this gateway was away, and does not know yet what others made of it';
  return isBusRequired && problem() !== null ? 'the cluster cannot be asked now' : null;
}

/** What `/readyz` asks of bus and ledger. */
export function readinessOf({ ledger, problem }: Joined, isBusRequired: boolean) {
  return [
    { name: 'ledger', problem: () => ledger.problem, isRequired: false },
    { name: 'bus', problem, isRequired: isBusRequired },
  ];
}
