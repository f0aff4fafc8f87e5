import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownerToken } from '../../src/core/ids.ts';
import type { BusHandler, Log } from '../../src/core/ports.ts';
import { openEngine, type Engine } from '../../src/engines/index.ts';
import { Arrivals } from '../support/arrivals.ts';
import { startCable } from '../support/cable.ts';
import type { BusFactory } from '../contracts/bus.ts';
import { ledgerEntry, type LedgerHouse } from '../contracts/ledger.ts';

/** Short, so that a test sees the end of a lease. */
export const LEASE = { leaseMs: 600, renewMs: 150 };
const TIMEOUT_MS = 1_000;

export type Logged = { readonly message: string } & Readonly<Record<string, unknown>>;

/** A log whose lines a test can wait for. */
export function logTo(lines: Arrivals<Logged>): Log {
  const add = (facts: object, message: string): void => lines.add({ ...facts, message });
  return { error: add, warn: add, info: add, debug: add, isDebugging: false };
}

export type Joined = Engine & { readonly owner: string; readonly logged: Arrivals<Logged>; readonly leave: () => Promise<void> };
export type JoinOptions = {
  readonly cluster?: string;
  readonly owner?: string;
  readonly timeoutMs?: number;
  readonly credentials?: string;
};

/** One more process of the cluster, in this one; it leaves when the test ends. */
export async function joinCluster(t: Pick<TestContext, 'after'>, url: string, options: JoinOptions = {}): Promise<Joined> {
  const { cluster = 'test', owner = ownerToken(), timeoutMs = TIMEOUT_MS, credentials = null } = options;
  const logged = new Arrivals<Logged>();
  const engine = await openEngine({ url, credentials, cluster, owner, node: `node-${owner}`, timeoutMs, log: logTo(logged), lease: LEASE });
  const leave = async (): Promise<void> => {
    await engine.bus.close();
    await engine.ledger.close();
  };
  t.after(leave);
  return { ...engine, owner, logged, leave };
}

/** One bus per process on this engine. */
export function busesOn(start: (t: TestContext) => Promise<{ readonly url: string }>): BusFactory {
  return async (t, processes) => {
    const { url } = await start(t);
    return Promise.all(
      processes.map(async (handler) => {
        const { bus } = await joinCluster(t, url, { owner: handler.owner });
        await bus.serve(handler);
        return bus;
      }),
    );
  };
}

/** Processes that share this engine; one that dies does so without a word. */
export function houseOn(start: (t: TestContext) => Promise<{ readonly url: string }>): (t: TestContext) => Promise<LedgerHouse> {
  return async (t) => {
    const { url } = await start(t);
    return {
      async join() {
        const cable = await startCable(t, Number(new URL(url).port));
        const { ledger } = await joinCluster(t, url.replace(new URL(url).port, String(cable.port)), { timeoutMs: 400 });
        return {
          ledger: {
            opened: async (entry) => ledger.opened(entry),
            async forget(key) {
              ledger.forget(key);
              const written = ledger.opened(ledgerEntry('same-turn')); // written together, so that it is known when
              ledger.forget('same-turn');
              await written;
            },
            orphans: () => ledger.orphans(),
            close: () => ledger.close(),
          },
          async die() {
            cable.cut();
            await sleep(LEASE.leaseMs + 100); // nobody tells of the end of a lease
          },
        };
      },
    };
  };
}

export const idle: BusHandler = {
  execute: () => ({ type: 'not-found' }),
  answer: () => new Promise(() => {}),
  evict: () => {},
  bereaved: () => {},
  disown: () => {},
};
