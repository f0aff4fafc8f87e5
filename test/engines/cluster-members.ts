import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownerToken } from '../../src/core/ids.ts';
import type { BusHandler, Log } from '../../src/core/ports.ts';
import { openEngine, type Engine } from '../../src/engines/index.ts';
import { Arrivals } from '../support/arrivals.ts';
import { startCable } from '../support/cable.ts';
import { Process, type BusFactory } from '../contracts/bus.ts';
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

export type Joined = Engine & {
  readonly owner: string;
  readonly logged: Arrivals<Logged>;
  readonly garbage: Arrivals<number>;
  readonly leave: () => Promise<void>;
};
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
  const garbage = new Arrivals<number>();
  const garbageCame = (messages: number): void => garbage.add(messages);
  const engine = await openEngine({
    url,
    credentials,
    cluster,
    owner,
    node: `node-${owner}`,
    timeoutMs,
    log: logTo(logged),
    lease: LEASE,
    garbageCame,
  });
  const leave = async (): Promise<void> => {
    await engine.bus.close();
    await engine.ledger.close();
  };
  t.after(leave);
  return { ...engine, owner, logged, garbage, leave };
}

/** What a process sees of the cluster beside what the contract of the bus asks of it. */
class Node extends Process {
  readonly disowned: string[] = [];
  deaths = 0;

  override disown(keys: ReadonlySet<string>): void {
    this.disowned.push(...keys);
  }

  override bereaved(): void {
    this.deaths += 1;
  }
}

export type Member = Joined & { readonly node: Node };

/** One more process that is served by a bus. */
export async function joinNode(t: Pick<TestContext, 'after'>, url: string, options: JoinOptions = {}): Promise<Member> {
  const node = new Node();
  const joined = await joinCluster(t, url, { ...options, owner: node.owner });
  await joined.bus.serve(node);
  return { ...joined, node };
}

/** Long enough for every wait of an engine that is back: the longest pause before it is tried again is 1 s. */
export const BACK_MS = 5_000;

/** Resolves with the first answer that fits; asks again until then. */
export async function until<Answer>(
  question: () => Promise<Answer> | Answer,
  fits: (answer: Answer) => boolean,
  limitMs = BACK_MS,
): Promise<Answer> {
  const giveUpAt = Date.now() + limitMs;
  for (;;) {
    const answer = await question();
    if (fits(answer)) return answer;
    if (Date.now() > giveUpAt) throw new Error(`no fitting answer within ${limitMs} ms, the last one was ${JSON.stringify(answer)}`);
    await sleep(20);
  }
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
        const servers = url.split(',').map((one) => new URL(one));
        const cables = await Promise.all(servers.map(({ port }) => startCable(t, Number(port))));
        const through = servers.map(({ protocol }, index) => `${protocol}//127.0.0.1:${cables[index]?.port}`).join(',');
        const { ledger } = await joinCluster(t, through, { timeoutMs: 400 });
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
            for (const cable of cables) cable.cut();
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
