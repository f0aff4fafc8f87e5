import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionId } from '../../src/core/ids.ts';
import { ask } from '../support/ask.ts';
import { readScrape } from '../support/scrape.ts';
import { connect, type Client } from '../support/client.ts';
import { command, idsOf, isNotFound, populate, until, type Cluster } from '../support/cluster.ts';
import type { EngineKind } from '../support/engine-server.ts';
import { sighted, watch } from '../support/event-stream.ts';
import { enter, isEvent } from '../support/guests.ts';
import { seeded } from '../support/random.ts';

/** An id as gateways give them, whose owner nobody is. */
const STRANGER = connectionId('zzzzzz');
const json = { accept: 'application/json' };
const RECONNECTS = 200;

/** What a user sees of three gateways that are joined by this engine, while all is well. */
export function clusterCommands(kind: EngineKind, scene: () => Cluster): void {
  test('a push from any node arrives, byte for byte and in order', async (t) => {
    const cluster = scene();
    const { nodes } = cluster;
    const guests = [...(await populate(t, cluster, 2)).values()].flat();
    await Promise.all(
      nodes.flatMap((from) =>
        guests.map(async (guest) => {
          const words = [1, 2, 3].map((number) => `${from.name} says ${number} \u2603`);
          for (const body of words) assert.equal((await command(from, `/${guest.id}`, { method: 'PUT', body })).status, 200);
          await guest.frames.first(({ text }) => text === words.at(-1));
          const heard = guest.frames.all.map(({ text }) => text).filter((text) => text.startsWith(from.name));
          assert.deepEqual(heard, words);
        }),
      ),
    );
  });

  test('a describe is the same from every node, and names the one that holds it', async (t) => {
    const cluster = scene();
    const { nodes } = cluster;
    for (const [name, [guest]] of await populate(t, cluster, 1)) {
      const answers = await Promise.all(nodes.map((node) => command(node, `/${guest?.id}`)));
      const descriptions = answers.map(({ body }) => ({ ...(JSON.parse(body) as { node: string }), ws_uri: '' })); // each says it by its own WS_HOSTNAME
      for (const description of descriptions) assert.deepEqual(description, descriptions[0]);
      assert.equal(descriptions[0]?.node, name);
    }
  });

  test('an id that nobody has is 404 within a second', async (t) => {
    const { nodes, backend } = scene();
    const guest = await enter(t, { gateway: nodes[1].gateway, backend });
    for (const node of nodes) {
      for (const id of [STRANGER, 'station-7', connectionId(guest.id.slice(0, 6))]) {
        const startedAt = performance.now();
        assert.equal((await command(node, `/${id}`, { method: 'PUT', body: 'x' })).status, 404, id);
        assert.ok(performance.now() - startedAt < 1_000);
      }
    }
  });

  test('who watches one node sees what happens on all, and reads why connections of others ended', async (t) => {
    const cluster = scene();
    const [first] = cluster.nodes;
    const stream = await watch(t, `${first.gateway.controlUrl}/console/events?figures=true`);
    await stream.told.first(({ event }) => event === 'figures');
    for (const [name, [guest]] of await populate(t, cluster, 1)) {
      const id = guest?.id ?? '';
      const opened = await sighted(stream, (one) => one.type === 'opened' && one.id === id);
      assert.equal((opened as { node?: string }).node, name);
      guest?.ws.close(4_321, name);
      await sighted(stream, (one) => one.type === 'closed' && one.id === id);
      const { ends } = JSON.parse((await command(first, `/console/ends?id=${id}`)).body) as { ends: { reason: string; node: string }[] };
      assert.deepEqual(
        ends.map(({ reason, node }) => [reason, node]),
        [[name, name]],
      );
    }
  });

  test('counts are exact, a broadcast reaches everyone once, tags are set everywhere', async (t) => {
    const cluster = scene();
    const { nodes } = cluster;
    const everyone = [...(await populate(t, cluster, 3)).values()].flat();
    const ours = `id=${idsOf(everyone).join(',')}`;
    for (const node of nodes) assert.equal((await command(node, `/count?${ours}`)).body, String(everyone.length));
    for (const node of nodes) {
      const answer = await command(node, `/send?${ours}`, { method: 'POST', body: `all from ${node.name}`, headers: json });
      const { nodes: parts, ...sums } = JSON.parse(answer.body) as { nodes: { node: string }[] };
      assert.deepEqual(sums, { matched: everyone.length, sent: everyone.length, failed: 0, unreachable: [] });
      assert.deepEqual(parts.map(({ node: name }) => name).toSorted(), ['n1', 'n2', 'n3']);
    }
    for (const { frames } of everyone) {
      const heard = (await frames.atLeast(3, ({ text }) => text.startsWith('all from '))).map(({ text }) => text);
      assert.deepEqual(heard.toSorted(), ['all from n1', 'all from n2', 'all from n3']);
    }
    assert.equal((await command(nodes[0], `/settags?${ours}`, { method: 'POST', body: 'floor=4' })).body, String(everyone.length));
    for (const node of nodes) assert.equal((await command(node, '/count?room=all&floor=4')).body, String(everyone.length));
    const { body } = await command(nodes[2], '/status', { headers: json });
    const { connections } = JSON.parse(body) as { connections: { id: string; node: string; tags: { floor?: string } }[] };
    assert.deepEqual(
      connections
        .filter(({ tags }) => tags.floor === '4')
        .map(({ id }) => id)
        .toSorted(),
      idsOf(everyone),
    );
  });

  test('a close ends it with its code, and exactly one of three is answered 200', async (t) => {
    const { nodes, backend } = scene();
    for (const { gateway } of nodes) {
      const leaver = await enter(t, { gateway, backend });
      const answers = await Promise.all(nodes.map((node) => command(node, `/${leaver.id}?code=4001&reason=enough`, { method: 'DELETE' })));
      assert.deepEqual(answers.map(({ status }) => String(status)).toSorted(), ['200', '404', '404']);
      assert.deepEqual(await leaver.ended, { code: 4001, reason: 'enough' });
      await backend.calls.first(isEvent('close', leaver.id));
    }
  });

  test('metrics are those of the node that is asked', async (t) => {
    const cluster = scene();
    const { nodes, backend } = cluster;
    await Promise.all([1, 2, 3].map(() => enter(t, { gateway: nodes[0].gateway, backend })));
    const connectionsAt = async (node: (typeof nodes)[0]): Promise<number> =>
      Number(/^wsaas_connections (\d+)$/m.exec((await command(node, '/metrics')).body)?.[1]);
    const [here, all] = [await connectionsAt(nodes[0]), Number((await command(nodes[0], '/count?all=true')).body)];
    assert.ok(here >= 3 && here <= all);
    const sum = here + (await connectionsAt(nodes[1])) + (await connectionsAt(nodes[2]));
    assert.equal(sum, all);
    const { value } = readScrape((await command(nodes[0], '/metrics')).body);
    const leaseAge = value('wsaas_cluster_lease_age_seconds');
    assert.ok(leaseAge > 0 && leaseAge < 15, `${leaseAge} s since the lease was renewed`);
    assert.deepEqual([value('wsaas_bus_up'), value('wsaas_ledger_whole')], [1, 1]);
    assert.ok(value('wsaas_bus_round_trip_seconds_count', { question: 'count', end: 'answered' }) >= 1);
  });

  test('the start line and /readyz say what joins the nodes', async () => {
    for (const { gateway } of scene().nodes) {
      const line = gateway.log.all.find(({ msg }) => msg === 'wsaas serves');
      assert.deepEqual([line?.['bus'], line?.['ledger'], line?.['cluster']], [kind, 'node', 'e2e']);
      assert.deepEqual(JSON.parse((await ask(`${gateway.controlUrl}/readyz`)).body), { status: 'ready', missing: [], degraded: [] });
    }
  });

  test(`one client-chosen id, ${RECONNECTS} reconnects at random nodes: the newest wins, and every close is told once`, async (t) => {
    const { backend, nodes } = scene();
    const random = seeded(12);
    let holder: Client | null = null;
    for (let round = 1; round <= RECONNECTS; round += 1) {
      const newcomer: Client = await connect(t, `${random.pick(nodes).gateway.wsUrl}/raw/box`);
      const startedAt = performance.now();
      if (holder !== null) assert.equal((await holder.ended).code, 4409);
      assert.ok(performance.now() - startedAt < 1_000, 'two were open for a second');
      holder = newcomer;
      const { status } = await command(random.pick(nodes), '/box', { method: 'POST', body: `round ${round}` });
      assert.equal(status, 200);
      await newcomer.frames.first(({ text }) => text === `round ${round}`);
    }
    holder?.ws.close();
    const closes = await backend.calls.atLeast(RECONNECTS, isEvent('close', 'box'));
    assert.equal(new Set(closes.map(({ headers }) => headers['ws-event-id'])).size, RECONNECTS);
    for (const node of nodes) await until(() => command(node, '/box', { method: 'POST', body: 'late' }), isNotFound, 1_000);
    assert.equal(backend.calls.all.filter(isEvent('close', 'box')).length, RECONNECTS);
  });
}
