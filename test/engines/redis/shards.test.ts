import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LedgerEntry } from '../../../src/core/ports.ts';
import { busContract } from '../../contracts/bus.ts';
import { ledgerContract, ledgerEntry } from '../../contracts/ledger.ts';
import { startCable, type Cable } from '../../support/cable.ts';
import { missing, startEngine, type EngineServer } from '../../support/engine-server.ts';
import { busesOn, houseOn, joinCluster, joinNode, LEASE, until } from '../cluster-members.ts';

type Servers = { readonly url: string; readonly servers: readonly EngineServer[] };

async function startShards(t: Pick<TestContext, 'after'>): Promise<Servers> {
  const servers = await Promise.all([startEngine(t, 'redis'), startEngine(t, 'redis')]);
  return { url: servers.map(({ url }) => url).join(','), servers };
}

const urlOf = (ports: readonly { readonly port: number }[]): string => ports.map(({ port }) => `redis://127.0.0.1:${port}`).join(',');
const keysOf = (entries: readonly LedgerEntry[]): string[] => entries.map(({ key }) => key).toSorted();
/** Enough that both servers have some of them. */
const MANY = Array.from({ length: 20 }, (_none, index) => `entry-${String(index).padStart(2, '0')}`);

suite('two independent redis', { skip: missing('redis') }, () => {
  busContract('shards', { processes: 3, create: busesOn(startShards) });

  ledgerContract({
    name: 'shards',
    level: 'node',
    create: async (t) => (await joinCluster(t, (await startShards(t)).url)).ledger,
    house: houseOn(startShards),
  });

  test('one of them is killed and comes back empty: what lay there is written again, and nobody is taken for dead', async (t) => {
    const { url, servers } = await startShards(t);
    const [a, b] = [await joinNode(t, url), await joinNode(t, url)];
    for (const key of MANY) await a.ledger.opened(ledgerEntry(key));
    const [lost] = servers as [EngineServer];
    await lost.kill();
    await until(a.problem, (problem) => problem !== null);
    assert.equal((await a.bus.ask({ type: 'describe', id: b.node.id }))?.type, 'unavailable');
    await lost.restart();
    for (const { problem } of [a, b]) await until(problem, (what) => what === null);
    await a.leave();
    assert.deepEqual(keysOf(await b.ledger.orphans()), MANY);
    assert.deepEqual([a.node.disowned, b.node.disowned], [[], []]);
  });

  test('a process that is cut off from one of them past its lease is told of whole, once, and gives up all that was open', async (t) => {
    const { servers } = await startShards(t);
    const cables: Cable[] = await Promise.all(servers.map(({ port }) => startCable(t, port)));
    const heir = await joinNode(t, urlOf(servers));
    const lost = await joinNode(t, urlOf(cables), { timeoutMs: 300 });
    for (const key of MANY) await lost.ledger.opened(ledgerEntry(key));
    await heir.ledger.orphans(); // it is in touch for a lease
    cables[0]?.cut();
    const told: LedgerEntry[] = [];
    await until(
      async () => told.push(...(await heir.ledger.orphans())), // a piece at each of the two, whose leases end one after the other
      (count) => count >= MANY.length,
    );
    assert.deepEqual(keysOf(told), MANY);
    cables[0]?.heal();
    await until(lost.problem, (problem) => problem === null);
    assert.deepEqual(lost.node.disowned.toSorted(), MANY);
    await sleep(LEASE.leaseMs);
    assert.deepEqual([await heir.ledger.orphans(), await lost.ledger.orphans()], [[], []], 'told once');
  });
});
