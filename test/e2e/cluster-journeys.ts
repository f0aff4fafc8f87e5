import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectionId } from '../../src/core/ids.ts';
import { ask, type Asked } from '../support/ask.ts';
import { command, DEATH_MS, nodeEnvironment, populate, startCluster, type Cluster } from '../support/cluster.ts';
import { connect, refusal, type Client } from '../support/client.ts';
import { startEngine, type EngineKind } from '../support/engine-server.ts';
import { startGateway } from '../support/gateway.ts';
import { bodyOf, enter, isEvent, ok, type Guest } from '../support/guests.ts';
import { routesFile } from '../support/routes-file.ts';
import { fillWorkers } from '../support/workforce.ts';
import { startBackend, type Call } from '../support/backend.ts';

/** An id as gateways give them, whose owner nobody is. */
const STRANGER = connectionId('zzzzzz');
/** All works again so long after the engine's return. */
const BACK_MS = 5_000;
const json = { accept: 'application/json' };

const idsOf = (guests: readonly Guest[]): string[] => guests.map(({ id }) => id).toSorted();
const connectionOf = ({ headers }: Call): string => String(headers['ws-connection']);

/** Asks until the answer fits. */
async function until(question: () => Promise<Asked>, fits: (answer: Asked) => boolean, limitMs: number): Promise<Asked> {
  const giveUpAt = Date.now() + limitMs;
  for (;;) {
    const answer = await question();
    if (fits(answer)) return answer;
    if (Date.now() > giveUpAt) throw new Error(`no fitting answer within ${limitMs} ms, the last one was ${answer.status} ${answer.body}`);
    await sleep(20);
  }
}

const isNotFound = ({ status }: Asked): boolean => status === 404;
const isOk = ({ status }: Asked): boolean => status === 200;

/** What a user sees of three gateways that are joined by this engine. */
export function clusterJourneys(kind: EngineKind): void {
  suite('commands from any node to any connection', () => {
    let cluster: Cluster;
    const closers: (() => unknown)[] = [];
    const whole = { after: (close: unknown) => void closers.push(close as () => unknown) };
    before(async () => {
      cluster = await startCluster(whole, kind, {
        handler: (call) => (isEvent('open')(call) ? ok({ tags: { room: 'all', on: String(bodyOf(call)['path']).slice(1) } }) : ok()),
      });
      await populate(whole, cluster, 3);
    });
    after(async () => {
      for (const close of closers.toReversed()) await close();
    });

    test('a push arrives, byte for byte and in order', async () => {
      const { nodes } = cluster;
      for (const from of nodes) {
        for (const guest of nodes.flatMap(({ guests }) => guests)) {
          const words = [1, 2, 3].map((number) => `${from.name} says ${number} \u2603`);
          for (const body of words) assert.equal((await command(from, `/${guest.id}`, { method: 'PUT', body })).status, 200);
          await guest.frames.first(({ text }) => text === words.at(-1));
          const heard = guest.frames.all.map(({ text }) => text).filter((text) => text.startsWith(from.name));
          assert.deepEqual(heard, words);
        }
      }
    });

    test('a describe is the same from everyone, and names the node', async () => {
      const { nodes } = cluster;
      for (const { name, guests } of nodes) {
        const [guest] = guests as [Guest];
        const answers = await Promise.all(nodes.map((node) => command(node, `/${guest.id}`)));
        const descriptions = answers.map(({ body }) => ({ ...(JSON.parse(body) as { node: string }), ws_uri: '' })); // each says it by its own WS_HOSTNAME
        for (const description of descriptions) assert.deepEqual(description, descriptions[0]);
        assert.equal(descriptions[0]?.node, name);
      }
    });

    test('an id that nobody has is 404 within a second', async () => {
      const { nodes } = cluster;
      const [guest] = nodes[1].guests as [Guest];
      for (const node of nodes) {
        for (const id of [STRANGER, 'station-7', connectionId(guest.id.slice(0, 6))]) {
          const startedAt = performance.now();
          assert.equal((await command(node, `/${id}`, { method: 'PUT', body: 'x' })).status, 404, id);
          assert.ok(performance.now() - startedAt < 1_000);
        }
      }
    });

    test('counts are exact, a broadcast reaches everyone once, tags are set everywhere', async () => {
      const { nodes } = cluster;
      const everyone = nodes.flatMap(({ guests }) => guests);
      for (const node of nodes) assert.equal((await command(node, '/count?room=all')).body, String(everyone.length));
      for (const node of nodes) {
        const answer = await command(node, '/send?room=all', { method: 'POST', body: `all from ${node.name}`, headers: json });
        const { nodes: parts, ...sums } = JSON.parse(answer.body) as { nodes: { node: string }[] };
        assert.deepEqual(sums, { matched: everyone.length, sent: everyone.length, failed: 0, unreachable: [] });
        assert.deepEqual(parts.map(({ node: name }) => name).toSorted(), ['n1', 'n2', 'n3']);
      }
      for (const { frames } of everyone) {
        const heard = (await frames.atLeast(3, ({ text }) => text.startsWith('all from '))).map(({ text }) => text);
        assert.deepEqual(heard.toSorted(), ['all from n1', 'all from n2', 'all from n3']);
      }
      assert.equal((await command(nodes[0], '/settags?room=all', { method: 'POST', body: 'floor=4' })).body, String(everyone.length));
      for (const node of nodes) assert.equal((await command(node, '/count?room=all&floor=4')).body, String(everyone.length));
      const { body } = await command(nodes[2], '/status', { headers: json });
      const { connections } = JSON.parse(body) as { connections: { id: string; node: string }[] };
      assert.deepEqual(connections.map(({ id }) => id).toSorted(), idsOf(everyone));
    });

    test('a close ends it with its code, and exactly one of three is answered 200', async (t) => {
      const { nodes, backend } = cluster;
      for (const { gateway } of nodes) {
        const leaver = await enter(t, { gateway, backend });
        const answers = await Promise.all(
          nodes.map((node) => command(node, `/${leaver.id}?code=4001&reason=enough`, { method: 'DELETE' })),
        );
        assert.deepEqual(answers.map(({ status }) => String(status)).toSorted(), ['200', '404', '404']);
        assert.deepEqual(await leaver.ended, { code: 4001, reason: 'enough' });
        await backend.calls.first(isEvent('close', leaver.id));
      }
    });

    test('the start line and /readyz say what joins the nodes', async () => {
      const { nodes } = cluster;
      for (const { gateway } of nodes) {
        const line = gateway.log.all.find(({ msg }) => msg === 'wsaas serves');
        assert.deepEqual([line?.['bus'], line?.['ledger'], line?.['cluster']], [kind, 'node', 'e2e']);
        assert.deepEqual(JSON.parse((await ask(`${gateway.controlUrl}/readyz`)).body), { status: 'ready', missing: [], degraded: [] });
      }
    });
  });

  test('a node that is killed: survivors tell the end of each of its connections once, and of nobody else', async (t) => {
    const cluster = await startCluster(t, kind);
    await populate(t, cluster, 20);
    const { backend, nodes } = cluster;
    const [dead, ...survivors] = nodes;
    dead.gateway.process.kill('SIGKILL');
    for (const { ended } of dead.guests) await ended;
    const closes = await backend.calls.atLeast(dead.guests.length, isEvent('close'), DEATH_MS);
    assert.deepEqual(closes.map(connectionOf).toSorted(), idsOf(dead.guests));
    for (const { headers } of closes) {
      assert.deepEqual([headers['ws-close-code'], headers['ws-orphan'], headers['authorization']], ['1006', 'true', undefined]);
    }
    const [gone] = dead.guests as [Guest];
    for (const node of survivors) await until(() => command(node, `/${gone.id}`, { method: 'PUT', body: 'x' }), isNotFound, BACK_MS);
    const living = survivors.flatMap(({ guests }) => guests);
    await until(
      () => command(survivors[0], '/count?all=true'),
      ({ body, headers }) => body === String(living.length) && headers['ws-incomplete'] === undefined,
      BACK_MS + 5_000,
    );
    assert.equal(backend.calls.all.filter(isEvent('close')).length, dead.guests.length, 'each is told once');
  });

  test('a node that is frozen past its lease: told once as gone, and when it moves again its clients are closed and told no more', async (t) => {
    const cluster = await startCluster(t, kind);
    await populate(t, cluster, 5);
    const { backend, nodes } = cluster;
    const [frozen, asking] = nodes;
    frozen.gateway.process.kill('SIGSTOP');
    const [guest] = frozen.guests as [Guest];
    const { status } = await command(asking, `/${guest.id}`, { method: 'PUT', body: 'too late' });
    assert.equal(status, 504);
    await backend.calls.atLeast(frozen.guests.length, isEvent('close'), DEATH_MS);
    frozen.gateway.process.kill('SIGCONT');
    for (const { ended } of frozen.guests) assert.equal((await ended).code, 1001);
    const newcomer = await enter(t, { gateway: frozen.gateway, backend });
    await until(() => command(asking, `/${newcomer.id}`, { method: 'PUT', body: 'welcome' }), isOk, BACK_MS);
    assert.deepEqual(backend.calls.all.filter(isEvent('close')).map(connectionOf).toSorted(), idsOf(frozen.guests));
    assert.ok(!guest.frames.all.some(({ text }) => text === 'too late'), 'what was answered 504 was carried out later');
  });

  test('an engine that is killed and comes back empty: no client is dropped, remote commands are 503 meanwhile, local work goes on', async (t) => {
    const cluster = await startCluster(t, kind);
    await populate(t, cluster, 5);
    const { backend, engine, nodes } = cluster;
    const [here, there] = nodes;
    const [[local], [remote]] = [here.guests as [Guest], there.guests as [Guest]];
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
    const count = await command(here, '/count?all=true');
    assert.deepEqual([count.body, count.headers['ws-incomplete']], ['5', 'n2, n3']);
    local.ws.send('up');
    await backend.calls.first((call) => isEvent('message', local.id)(call) && call.text === 'up');
    const newcomer = await enter(t, { gateway: here.gateway, backend });
    const leaver = there.guests.at(-1) as Guest;
    leaver.ws.close();
    await backend.calls.first(isEvent('close', leaver.id));
    assert.ok(performance.now() - startedAt < 2_000, 'something waited for the engine');
    const ready = await ask(`${here.gateway.controlUrl}/readyz`);
    assert.equal(ready.status, 200);
    assert.equal((JSON.parse(ready.body) as { degraded: string[] }).degraded.length, 2);

    await engine.restart();
    const backAt = Date.now();
    await until(() => command(here, `/${remote.id}`, { method: 'PUT', body: 'again' }), isOk, BACK_MS);
    await until(() => command(there, `/${newcomer.id}`, { method: 'PUT', body: 'hello' }), isOk, BACK_MS - (Date.now() - backAt));
    const living = [...nodes.flatMap(({ guests }) => guests), newcomer].filter((guest) => guest !== leaver);
    for (const node of nodes) {
      await until(
        () => command(node, '/count?all=true'),
        ({ body, headers }) => body === String(living.length) && headers['ws-incomplete'] === undefined,
        BACK_MS,
      );
    }
    for (const { ws, id } of living) assert.equal(ws.readyState, ws.OPEN, id);
    here.gateway.process.kill('SIGKILL');
    const closes = await backend.calls.atLeast(here.guests.length + 2, isEvent('close'), DEATH_MS);
    assert.deepEqual(closes.map(connectionOf).toSorted(), idsOf([...here.guests, newcomer, leaver]), 'the ledger was rebuilt');
  });

  test('one client-chosen id at several nodes: the newest wins, wherever it comes, and every close is told once', async (t) => {
    const cluster = await startCluster(t, kind, {
      handler: ({ method }) => ({ body: method === 'GET' ? 'ok' : '' }),
      env: async ({ url }) => ({
        ROUTES_FILE: (await routesFile(t, `routes:\n  - { path: /raw/:id, dialect: raw, backend: "${url}" }\n`)).path,
      }),
    });
    const { backend, nodes } = cluster;
    let holder: Client | null = null;
    for (let round = 1; round <= 30; round += 1) {
      const node = nodes[round % 3] as Cluster['nodes'][0];
      const newcomer: Client = await connect(t, `${node.gateway.wsUrl}/raw/box`);
      if (holder !== null) {
        assert.equal((await holder.ended).code, 4409);
        await backend.calls.atLeast(round - 1, isEvent('close', 'box'));
      }
      holder = newcomer;
      const answers = await Promise.all(nodes.map((one) => command(one, '/box', { method: 'POST', body: `round ${round}` })));
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 200],
      );
      await newcomer.frames.atLeast(3, ({ text }) => text === `round ${round}`);
    }
    holder?.ws.close();
    const closes = await backend.calls.atLeast(30, isEvent('close', 'box'));
    assert.equal(new Set(closes.map(({ headers }) => headers['ws-event-id'])).size, 30);
    for (const node of nodes)
      await until(
        () => command(node, '/box', { method: 'POST', body: 'late' }),
        ({ status }) => status === 404,
        1_000,
      );
  });

  test('workers join the engine each by itself: commands of another node reach the connections of each, and they are one node', async (t) => {
    const [engine, backend] = [await startEngine(t, kind), await startBackend(t)];
    const gateway = await startGateway(t, { API_URI: backend.url, WORKERS: '2', ...nodeEnvironment(engine, 'twin') });
    const other = await startGateway(t, { API_URI: backend.url, ...nodeEnvironment(engine, 'single') });
    const guests = [...(await fillWorkers(t, { gateway, backend }, { workers: 2, each: 2 })).values()].flat();
    for (const { id, frames } of guests) {
      assert.equal((await ask(`${other.controlUrl}/${id}`, { method: 'PUT', body: 'hello' })).status, 200);
      await frames.first(({ text }) => text === 'hello');
    }
    const { body } = await ask(`${other.controlUrl}/send?all=true`, { method: 'POST', body: 'x', headers: json });
    const { nodes, unreachable } = JSON.parse(body) as { nodes: { node: string; sent: number }[]; unreachable: string[] };
    assert.deepEqual(nodes.find(({ node }) => node === 'twin')?.sent, guests.length);
    assert.deepEqual([nodes.length, unreachable], [2, []]);
    assert.equal(gateway.log.all.find(({ msg }) => msg === 'wsaas serves')?.['bus'], kind);
  });

  test('REQUIRE_BUS: without its engine a node is unready and refuses new clients; both end when it is there', async (t) => {
    const [engine, backend] = [await startEngine(t, kind), await startBackend(t)];
    const gateway = await startGateway(t, { API_URI: backend.url, REQUIRE_BUS: 'true', ...nodeEnvironment(engine, 'strict') });
    const guest = await enter(t, { gateway, backend });
    await engine.kill();
    await until(
      () => ask(`${gateway.controlUrl}/readyz`),
      ({ status }) => status === 503,
      3_000,
    );
    const { status, headers } = await refusal(t, `${gateway.wsUrl}/no`);
    assert.deepEqual([status, headers['retry-after'] !== undefined], [503, true]);
    assert.equal((await guest.push('still here')).status, 200);
    await engine.restart();
    await until(() => ask(`${gateway.controlUrl}/readyz`), isOk, BACK_MS);
    await enter(t, { gateway, backend });
  });

  test('SIGTERM: a node leaves at once, the others do not wait for it, and what it could not tell they tell', async (t) => {
    const cluster = await startCluster(t, kind);
    await populate(t, cluster, 3);
    const { backend, nodes } = cluster;
    const [leaving, ...others] = nodes;
    leaving.gateway.process.kill('SIGTERM');
    assert.deepEqual(await leaving.gateway.exited, { code: 0, signal: null });
    const startedAt = performance.now();
    for (const node of others) {
      const { body, headers } = await command(node, '/count?all=true');
      assert.deepEqual([body, headers['ws-incomplete']], ['6', undefined]);
    }
    assert.ok(performance.now() - startedAt < 1_000);
    assert.deepEqual(backend.calls.all.filter(isEvent('close')).map(connectionOf).toSorted(), idsOf(leaving.guests));
  });
}
