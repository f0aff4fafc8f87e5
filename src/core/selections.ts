import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Part, Query } from './commands.ts';
import type { Connection } from './connection.ts';
import type { Connections } from './connections.ts';
import { search } from './searching.ts';

/** Longest piece of work on a selection before the event loop gets its turn. */
const SLICE_MS = 5;
/** Connections between two looks at the clock. */
const STEP = 16;

/** A process as far as queries ask it. */
export type Queried = { readonly node: string; readonly owner: string; readonly connections: Connections };

type Counts = { matched: number; sent: number; failed: number; problem: string | null };

/** Answers a query for this process's connections (docs/selections.md#requests). Large selections are worked off in slices. */
export async function answerQuery(gateway: Queried, query: Exclude<Query, { type: 'metrics' | 'observe' }>): Promise<Part> {
  const { connections } = gateway;
  switch (query.type) {
    case 'send': {
      const message = { ...query.message, shared: { wire: null } };
      return part(gateway, await each(connections.select(query.selector), (one) => (isSent(one, message) ? 'sent' : 'failed')));
    }
    case 'set-tags': {
      let problem: string | null = null;
      const counts = await each(connections.select(query.selector), (one) => {
        const { tags } = one;
        const own = one.setTags(query.changes);
        problem ??= own;
        if (own !== null) return 'failed';
        return one.tags === tags ? 'unchanged' : 'sent';
      });
      return part(gateway, { ...counts, problem });
    }
    case 'close-all': {
      const farewell = query.farewell === null ? null : { ...query.farewell, shared: { wire: null } };
      return part(
        gateway,
        await each(connections.select(query.selector), (one) => {
          if (farewell !== null) isSent(one, farewell);
          return one.close(query.code, query.reason, 'backend').type === 'not-found' ? 'failed' : 'sent';
        }),
      );
    }
    case 'count':
      return part(gateway, { matched: connections.select(query.selector).length });
    case 'tree':
      return { ...part(gateway, {}), tree: connections.tree() };
    case 'list':
      return { ...part(gateway, {}), list: list(gateway, query) };
    case 'search':
      return { ...part(gateway, {}), ...(await search(gateway, query)) };
  }
}

export function part(gateway: Queried, counts: Partial<Counts>): Part {
  return {
    node: gateway.node,
    owner: gateway.owner,
    matched: 0,
    sent: 0,
    failed: 0,
    problem: null,
    tree: null,
    list: null,
    reached: null,
    seen: null,
    metrics: null,
    ...counts,
  };
}

function isSent(connection: Connection, message: Parameters<Connection['push']>[0]): boolean {
  const { type } = connection.push(message, null);
  return type === 'sent' || type === 'queued';
}

async function each(selected: readonly Connection[], act: (connection: Connection) => 'sent' | 'failed' | 'unchanged'): Promise<Counts> {
  const counts: Counts = { matched: selected.length, sent: 0, failed: 0, problem: null };
  let sliceEnd = performance.now() + SLICE_MS;
  for (const [index, connection] of selected.entries()) {
    const done = act(connection);
    if (done !== 'unchanged') counts[done] += 1;
    if (index % STEP === 0 && performance.now() > sliceEnd) {
      await nextTurn();
      sliceEnd = performance.now() + SLICE_MS;
    }
  }
  return counts;
}

/** This process's page: processes follow each other by owner token, connections by serial number. */
function list(gateway: Queried, { after, limit }: Extract<Query, { type: 'list' }>): Part['list'] {
  if (after !== null && gateway.owner < after.owner) return [];
  const from = after !== null && gateway.owner === after.owner ? after.serial : 0;
  const page: (ReturnType<Connection['describe']> & { serial: number })[] = [];
  for (const connection of gateway.connections) {
    if (connection.serial <= from || connection.state === 'connecting') continue;
    page.push({ ...connection.describe(), serial: connection.serial });
    if (page.length >= limit) break;
  }
  return page;
}
