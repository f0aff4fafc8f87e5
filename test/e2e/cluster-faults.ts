import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Arrivals } from '../support/arrivals.ts';
import { ask } from '../support/ask.ts';
import type { Call } from '../support/backend.ts';
import { Chatter, keepTalking, letIn } from '../support/chatter.ts';
import { connect, refusal } from '../support/client.ts';
import {
  BACK_MS,
  command,
  connectionOf,
  DEATH_MS,
  endsOf,
  idsOf,
  isNotFound,
  isOk,
  populate,
  until,
  welcome,
  type Cluster,
  type ClusterNode,
} from '../support/cluster.ts';
import { bodyOf, enter, isEvent, type Guest } from '../support/guests.ts';
import { seeded } from '../support/random.ts';
import { signalTo } from '../support/signals.ts';
import { fillWorkers } from '../support/workforce.ts';
import { Wanderer } from '../support/wanderer.ts';

/** So many clients are on a node that dies, and half as many go round while nodes are restarted. */
const CLIENTS = Number(process.env['CLUSTER_CLIENTS'] ?? 200);
/** How much longer than its tests need the engine is away. */
const OUTAGE_MS = Number(process.env['CLUSTER_OUTAGE_MS'] ?? 0);
/** How much longer than its lease a node is frozen. */
const FREEZE_MS = Number(process.env['CLUSTER_FREEZE_MS'] ?? 0);
const json = { accept: 'application/json' };

const isTelling = ({ msg }: { readonly msg: string }): boolean => msg.startsWith('telling the ends');

/** The connections of clients whose paths begin so. */
function idsUnder(calls: readonly Call[], prefix: string): string[] {
  return calls.filter((call) => isEvent('open')(call) && String(bodyOf(call)['path']).startsWith(prefix)).map(connectionOf);
}

/** Was the end of each of these connections told, and not twice? Only a process that was starved may have told what others had told. */
function assertToldOnce({ backend, takenForDead }: Cluster, ids: readonly string[], frozen = 1): void {
  const isStarved = takenForDead() > frozen;
  const wrong = [...endsOf(backend, ids)].filter(([, ends]) => (isStarved ? new Set(ends).size : ends.length) !== 1);
  assert.deepEqual(wrong, [], `of ${ids.length}`);
}

/** Was everything that they said told to the backend, once and in order? */
async function assertAllDelivered({ backend }: Cluster, chatters: readonly Chatter[]): Promise<void> {
  for (const { name, said } of chatters) if (said > 0) await backend.calls.first(({ text }) => text === `${name}/${said}`);
  const heard = new Map<string, number>();
  for (const { text } of backend.calls.all.filter(isEvent('message'))) {
    const [name = '', number] = text.split('/');
    assert.equal(Number(number), (heard.get(name) ?? 0) + 1, `${text} came out of turn`);
    heard.set(name, Number(number));
  }
  for (const { name, said } of chatters) assert.equal(heard.get(name) ?? 0, said, `of ${name}`);
}

/** What a user sees of three gateways when one of them, or their engine, fails. Each test goes on where the last one ended. */
export function clusterFaults(scene: () => Cluster, whole: Pick<TestContext, 'after'>): void {
  /** Came before the engine was lost, at the second node. */
  const remembered: Guest[] = [];

  test('the engine is killed under load and comes back empty: no client is dropped, nothing is lost, remote commands are 503 meanwhile', async (t) => {
    const cluster = scene();
    const { backend, engine, nodes } = cluster;
    const [here, there, strict] = nodes;
    const [[local], [remote], [far]] = [...(await populate(whole, cluster, 1)).values()] as [[Guest], [Guest], [Guest]];
    remembered.push(remote);
    const leaver = await enter(t, { gateway: there.gateway, backend });
    const talkers = await letIn(15, (index) => new Chatter(t, (nodes[index % 3] as ClusterNode).gateway.wsUrl, { name: `load-${index}` }));
    const stop = keepTalking(t, talkers, 100);
    await engine.kill();
    await until(
      () => command(here, `/${remote.id}`, { method: 'PUT', body: 'x' }),
      ({ status }) => status === 503,
      3_000,
    );
    const startedAt = performance.now();
    const refused = await command(here, `/${remote.id}`, { method: 'PUT', body: 'x' });
    assert.deepEqual([refused.status, refused.headers['retry-after'] === undefined], [503, false]);
    assert.equal((await command(here, `/${local.id}`, { method: 'PUT', body: 'local' })).status, 200);
    const count = await command(here, '/count?room=all');
    assert.deepEqual([count.body, count.headers['ws-incomplete']], ['6', 'n2, n3']);
    const newcomer = await enter(whole, { gateway: there.gateway, backend });
    remembered.push(newcomer);
    leaver.ws.close();
    await backend.calls.first(isEvent('close', leaver.id));
    assert.ok(performance.now() - startedAt < 2_000, 'something waited for the engine');
    const ready = await ask(`${here.gateway.controlUrl}/readyz`);
    assert.deepEqual([ready.status, (JSON.parse(ready.body) as { degraded: string[] }).degraded.length], [200, 2]);
    assert.equal((await ask(`${strict.gateway.controlUrl}/readyz`)).status, 503, 'REQUIRE_BUS');
    const turnedAway = await refusal(t, `${strict.gateway.wsUrl}/no`);
    assert.deepEqual([turnedAway.status, turnedAway.headers['retry-after'] !== undefined], [503, true]);
    await sleep(OUTAGE_MS);

    await engine.restart();
    const backAt = Date.now();
    for (const node of nodes) {
      for (const { id } of [local, remote, far, newcomer])
        await until(() => command(node, `/${id}`, { method: 'PUT', body: 'again' }), isOk, BACK_MS - (Date.now() - backAt));
      await until(
        () => command(node, '/count?room=all'),
        ({ body, headers }) => body === String(talkers.length + 4) && headers['ws-incomplete'] === undefined,
        BACK_MS - (Date.now() - backAt),
      );
    }
    await until(() => ask(`${strict.gateway.controlUrl}/readyz`), isOk, BACK_MS);
    stop();
    for (const { ws, id } of [local, remote, far, newcomer]) assert.equal(ws.readyState, ws.OPEN, id);
    for (const talker of talkers) assert.ok(talker.isTalking, `${talker.name} was dropped`);
    await assertAllDelivered(cluster, talkers);
  });

  test('a node that is frozen past its lease is told of once as gone; when it moves again its clients are closed and it harms nobody that moved', async (t) => {
    const cluster = scene();
    const { backend, nodes } = cluster;
    const [asking, frozen] = nodes;
    const guests = [...remembered, ...(await Promise.all([1, 2, 3].map(() => enter(t, { gateway: frozen.gateway, backend }))))];
    const left = await connect(t, `${frozen.gateway.wsUrl}/raw/mover`);
    frozen.gateway.process.kill('SIGSTOP');
    const [guest] = guests as [Guest];
    const { status } = await command(asking, `/${guest.id}`, { method: 'PUT', body: 'too late' });
    assert.equal(status, 504);
    await backend.calls.atLeast(guests.length, (call) => isEvent('close')(call) && idsOf(guests).includes(connectionOf(call)), DEATH_MS);
    await backend.calls.first(isEvent('close', 'mover'));
    const moved = await connect(t, `${asking.gateway.wsUrl}/raw/mover`);
    await sleep(FREEZE_MS);
    frozen.gateway.process.kill('SIGCONT');
    for (const { ended } of [...guests, left]) assert.equal((await ended).code, 1001);
    const newcomer = await enter(t, { gateway: frozen.gateway, backend });
    for (const node of nodes) await until(() => command(node, `/${newcomer.id}`, { method: 'PUT', body: 'welcome' }), isOk, BACK_MS);
    for (const node of nodes) assert.equal((await command(node, '/mover', { method: 'POST', body: node.name })).status, 200);
    assert.deepEqual(
      (await moved.frames.atLeast(3)).map(({ text }) => text),
      ['n1', 'n2', 'n3'],
    );
    assertToldOnce(cluster, [...idsOf(guests), 'mover']);
    assert.ok(!guest.frames.all.some(({ text }) => text === 'too late'), 'what was answered 504 was carried out later');
  });

  test('a rolling restart: every client is dropped once at most by each node, every open has its close, no message is lost', async (t) => {
    const cluster = scene();
    const { backend, nodes } = cluster;
    const random = seeded(5);
    const choose = (): ClusterNode => random.pick(nodes.filter(({ isUp }) => isUp));
    const wanderers = Array.from({ length: CLIENTS / 2 }, (_none, index) => new Wanderer(t, `w${index}`, choose));
    t.after(() => Promise.all(wanderers.map((wanderer) => wanderer.leave())));
    for (const wanderer of wanderers) await wanderer.in();
    const stop = keepTalking(t, wanderers, 1_000);
    for (const node of nodes) {
      node.isUp = false;
      node.gateway.process.kill('SIGTERM');
      assert.deepEqual(await node.gateway.exited, { code: 0, signal: null });
      for (const other of nodes.filter(({ isUp }) => isUp)) {
        const { status, headers } = await command(other, '/count?room=all');
        assert.deepEqual([status, headers['ws-incomplete']], [200, undefined], 'who has left is missed');
      }
      await cluster.restart(node, node === nodes[0] ? { WORKERS: '2' } : {});
    }
    stop();
    await Promise.all(wanderers.map((wanderer) => wanderer.leave()));
    for (const { stays } of wanderers) {
      assert.equal(new Set(stays.map(({ pid }) => pid)).size, stays.length, 'a client came to a node twice');
      for (const { chatter } of stays.slice(0, -1)) assert.equal((await chatter.goodbye)?.code, 1001);
    }
    assert.ok(wanderers.some(({ stays }) => stays.length > 2));
    await assertAllDelivered(
      cluster,
      wanderers.flatMap(({ stays }) => stays.map(({ chatter }) => chatter)),
    );
    const ids = idsUnder(backend.calls.all, '/w');
    const known = new Set(ids);
    await backend.calls.atLeast(ids.length, (call) => isEvent('close')(call) && known.has(connectionOf(call)));
    assertToldOnce(cluster, ids);
  });

  test('workers join the engine each by itself: commands of another node reach the connections of each, and they are one node', async (t) => {
    const { backend, nodes } = scene();
    const [twins, , other] = nodes;
    const guests = [...(await fillWorkers(t, { gateway: twins.gateway, backend }, { workers: 2, each: 2 })).values()].flat();
    for (const { id, frames } of guests) {
      assert.equal((await command(other, `/${id}`, { method: 'PUT', body: 'hello' })).status, 200);
      await frames.first(({ text }) => text === 'hello');
    }
    const { body } = await command(other, `/send?id=${idsOf(guests).join(',')}`, { method: 'POST', body: 'x', headers: json });
    const { nodes: parts, unreachable } = JSON.parse(body) as { nodes: { node: string; sent: number }[]; unreachable: string[] };
    assert.deepEqual(parts.find(({ node }) => node === twins.name)?.sent, guests.length);
    assert.deepEqual([parts.length, unreachable], [3, []]);
  });

  test('a node that is killed: survivors tell the end of each of its connections once, and of nobody else', async (t) => {
    const { backend, nodes } = scene();
    const [, dead, survivor] = nodes;
    const living = await enter(t, { gateway: survivor.gateway, backend });
    const clients = await letIn(
      CLIENTS,
      (index) => new Chatter(t, dead.gateway.wsUrl, { name: `d${index}`, headers: { Authorization: 'secret' } }),
    );
    const ids = idsUnder(backend.calls.all, '/d');
    const known = new Set(ids);
    const isTheirs = (call: Call): boolean => isEvent('close')(call) && known.has(connectionOf(call));
    dead.isUp = false;
    dead.gateway.process.kill('SIGKILL');
    await Promise.all(clients.map(({ ended }) => ended));
    const closes = await backend.calls.atLeast(CLIENTS, isTheirs, DEATH_MS);
    for (const { headers } of closes)
      assert.deepEqual([headers['ws-close-code'], headers['ws-orphan'], headers['authorization']], ['1006', 'true', undefined]);
    for (const node of nodes.filter(({ isUp }) => isUp))
      await until(() => command(node, `/${ids[0]}`, { method: 'PUT', body: 'x' }), isNotFound, BACK_MS);
    await until(
      () => command(survivor, `/count?id=${ids.slice(0, 5).join(',')},${living.id}`),
      ({ body, headers }) => body === '1' && headers['ws-incomplete'] === undefined,
      BACK_MS,
    );
    assertToldOnce(scene(), ids);
    assert.equal(endsOf(backend, [living.id]).get(living.id)?.length, 0);
  });

  test('a survivor that dies while it tells the ends of a dead node: another tells them all, with the same event ids', async (t) => {
    const { backend, nodes } = scene();
    const [twins, , dead] = nodes;
    const heirsOwn = await fillWorkers(t, { gateway: twins.gateway, backend }, { workers: 2, each: 1 });
    await letIn(40, (index) => new Chatter(t, dead.gateway.wsUrl, { name: `e${index}` }));
    const ids = idsUnder(backend.calls.all, '/e');
    const answered = new Arrivals<string>();
    const toldBefore = twins.gateway.log.all.filter(isTelling).length;
    backend.answer = (call) => (isEvent('close')(call) ? null : welcome(call, null as never));
    dead.isUp = false;
    dead.gateway.process.kill('SIGKILL');
    const lines = await twins.gateway.log.atLeast(toldBefore + 1, isTelling, DEATH_MS);
    await backend.calls.first((call) => isEvent('close')(call) && ids.includes(connectionOf(call)));
    const heir = Number(lines.at(-1)?.['pid']);
    const owner = twins.gateway.log.all.find(({ msg, pid }) => msg === 'joined the cluster' && pid === heir)?.['owner'];
    backend.answer = (call, response) => {
      if (isEvent('close')(call) && !answered.all.includes(connectionOf(call))) answered.add(connectionOf(call));
      return welcome(call, response);
    };
    signalTo(heir, 'SIGKILL');
    const owed = new Set([...ids, ...idsOf(heirsOwn.get(String(owner)) ?? [])]);
    assert.ok(owed.size > ids.length, 'the heir had clients of its own');
    const told = await answered.atLeast(owed.size, (id) => owed.has(id), DEATH_MS);
    assert.deepEqual(told.toSorted(), [...owed].toSorted());
    for (const [id, ends] of endsOf(backend, owed)) assert.equal(new Set(ends).size, 1, id);
  });
}
