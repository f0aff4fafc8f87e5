import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { ask } from '../support/ask.ts';
import { startBackend, type Backend } from '../support/backend.ts';
import { connect, tryConnect, type Client } from '../support/client.ts';
import { startServing } from '../support/app.ts';
import { startGateway, workerPids, type Gateway, type GatewayProcess } from '../support/gateway.ts';
import { ok } from '../support/guests.ts';
import { routesFile, type RoutesFile } from '../support/routes-file.ts';
import { signalTo } from '../support/signals.ts';
import { enterStation, type Station } from '../support/station.ts';

/** Questions on connections of their own: one worker of two gets all of them once in 2^11 times. */
const ROUNDS = Array.from({ length: 12 }, (_none, round) => round);

type Scene<Started> = {
  readonly gateway: Started;
  readonly backend: Backend;
  readonly file: RoutesFile;
  /** A client of dialect raw in the tenant of this name; `none`: without a control path. */
  readonly enter: (t: TestContext, tenant: 'none' | 'a' | 'b' | 'old', id: string) => Promise<Client>;
};

const rawRoute = (tenant: string, url: string, more = ''): string =>
  `  - { path: "/${tenant}/:id", dialect: raw, backend: "${url}/${tenant}"${tenant === 'none' ? '' : `, controlPath: /tenant-${tenant}`}${more} }\n`;
const ocppRoute = (tenant: string, url: string): string =>
  `  - { path: "/ocpp-${tenant}/:id", dialect: ocpp, backend: "${url}/ocpp-${tenant}", controlPath: /stations-${tenant} }\n`;

const scene = (t: TestContext, env: Record<string, string> = {}): Promise<Scene<Gateway>> => sceneBy(startServing, t, env);
const processScene = (t: TestContext, env: Record<string, string> = {}): Promise<Scene<GatewayProcess>> => sceneBy(startGateway, t, env);

type Start<Started> = (t: TestContext, env: Record<string, string>) => Promise<Started>;

async function sceneBy<Started extends Gateway>(
  start: Start<Started>,
  t: TestContext,
  env: Record<string, string>,
): Promise<Scene<Started>> {
  const backend = await startBackend(t, ({ method, url }) =>
    url.includes('/ocpp-') ? { status: 204 } : method === 'GET' ? { body: 'ok' } : url.endsWith('/own') ? ok() : { body: '' },
  );
  const routes = [
    rawRoute('none', backend.url),
    rawRoute('a', backend.url),
    rawRoute('b', backend.url),
    rawRoute('old', backend.url, ', duplicateId: oldest'),
    ocppRoute('a', backend.url),
    ocppRoute('b', backend.url),
    `  - { path: "/*", backend: "${backend.url}/own" }\n`,
  ];
  const file = await routesFile(t, `routes:\n${routes.join('')}`);
  const gateway = await start(t, { ROUTES_FILE: file.path, ...env });
  return { gateway, backend, file, enter: (own, tenant, id) => connect(own, `${gateway.wsUrl}/${tenant}/${encodeURIComponent(id)}`) };
}

const told = (text: string) => (frame: { readonly text: string }) => frame.text === text;

for (const workers of ['1', '2']) {
  suite(`ids under control paths, with WORKERS=${workers}`, { concurrency: 3 }, () => {
    test('one id in three namespaces is three clients, each commanded at its own ws_uri, which events and descriptions tell', async (t) => {
      const { gateway, backend, enter } = await scene(t, { WORKERS: workers, WS_HOSTNAME: 'gateway.example.com/gate' });
      for (const [tenant, path] of [
        ['none', ''],
        ['a', '/tenant-a'],
        ['b', '/tenant-b'],
      ] as const) {
        const client = await enter(t, tenant, 'CP 1');
        const open = await backend.calls.first(({ method, url }) => method === 'GET' && url === `/ws/${tenant}/CP%201`);
        assert.deepEqual([open.headers['ws-uri'], open.headers['ws-connection']], [`gateway.example.com/gate${path}/CP%201`, 'CP%201']);
        client.ws.send(`from ${tenant}`);
        const message = await backend.calls.first(({ text }) => text === `from ${tenant}`);
        assert.deepEqual([message.url, message.headers['ws-uri']], [`/ws/${tenant}/CP%201`, `gateway.example.com/gate${path}/CP%201`]);
        for (const prefix of ['', '/gate']) {
          const url = `${gateway.controlUrl}${prefix}${path}/CP%201`;
          for (const round of ROUNDS) {
            const text = `${tenant} ${prefix} ${round}`;
            assert.deepEqual(
              [(await ask(url, { method: 'POST', body: text })).body, (await ask(url, { method: 'PUT', body: text })).status],
              ['ok', 200],
            );
            assert.equal((await client.frames.atLeast(2, told(text))).length, 2);
          }
          const { id, ws_uri: wsUri } = JSON.parse((await ask(url)).body) as { id: string; ws_uri: string };
          assert.deepEqual([id, wsUri], ['CP 1', `gateway.example.com/gate${path}/CP%201`]);
        }
        assert.ok(
          client.frames.all.every(({ text }) => text.startsWith(tenant)),
          'and nothing that was for another',
        );
      }
      const status = JSON.parse((await ask(`${gateway.controlUrl}/status`, { headers: { accept: 'application/json' } })).body) as {
        connections: { id: string; ws_uri: string }[];
      };
      assert.deepEqual(status.connections.map(({ ws_uri: uri }) => uri).toSorted(), [
        'gateway.example.com/gate/CP%201',
        'gateway.example.com/gate/tenant-a/CP%201',
        'gateway.example.com/gate/tenant-b/CP%201',
      ]);
      assert.equal((await ask(`${gateway.controlUrl}/tenant-a/CP%201?code=4001`, { method: 'DELETE' })).status, 200);
      const close = await backend.calls.first(({ method }) => method === 'DELETE');
      assert.deepEqual(
        [close.url, close.headers['ws-close-code'], close.headers['ws-uri']],
        ['/ws/a/CP%201', '4001', 'gateway.example.com/gate/tenant-a/CP%201'],
      );
      assert.equal((await ask(`${gateway.controlUrl}/count?all=true`)).body, '2');
    });

    test('the newest of two with one id wins in its own namespace, the oldest stays where that is said', async (t) => {
      const { gateway, enter } = await scene(t, { WORKERS: workers });
      const others = [await enter(t, 'none', 'same'), await enter(t, 'b', 'same')];
      const oldest = await enter(t, 'old', 'same');
      let holder = await enter(t, 'a', 'same');
      for (const round of ROUNDS) {
        const next = await enter(t, 'a', 'same');
        assert.deepEqual(await holder.ended, { code: 4409, reason: 'replaced by a newer connection' });
        holder = next;
        const second = await tryConnect(t, `${gateway.wsUrl}/old/same`);
        assert.ok('status' in second && second.status === 409, JSON.stringify(second));
        const text = `to the newest ${round}`;
        assert.equal((await ask(`${gateway.controlUrl}/tenant-a/same`, { method: 'POST', body: text })).body, 'ok');
        await holder.frames.first(told(text));
      }
      for (const client of [...others, oldest, holder]) assert.equal(client.ws.readyState, client.ws.OPEN);
    });

    test('a selection by id finds every client of that id, whatever its control path', async (t) => {
      const { gateway, enter } = await scene(t, { WORKERS: workers });
      const chosen = await Promise.all((['none', 'a', 'b', 'old'] as const).map((tenant) => enter(t, tenant, 'same')));
      const other = await enter(t, 'a', 'other');
      for (const round of ROUNDS)
        assert.equal((await ask(`${gateway.controlUrl}/send?id=same`, { method: 'POST', body: `all ${round}` })).body, '4');
      for (const client of chosen) await client.frames.atLeast(ROUNDS.length);
      assert.equal((await ask(`${gateway.controlUrl}/send?all=true&exclude=same`, { method: 'POST', body: 'the other' })).body, '1');
      await other.frames.first(told('the other'));
      assert.equal(other.frames.all.length, 1);
      assert.equal((await ask(`${gateway.controlUrl}/close?id=same`, { method: 'POST' })).body, '4');
    });

    test('two central systems call stations of one identity, each its own', async (t) => {
      const { gateway } = await scene(t, { WORKERS: workers });
      const stations: Record<string, Station> = {};
      for (const tenant of ['a', 'b']) {
        const station = await enterStation(t, { endpoint: `${gateway.wsUrl}/ocpp-${tenant}`, identity: 'CP1', protocols: ['ocpp1.6'] });
        station.handle('Reset', () => ({ tenant }));
        stations[tenant] = station;
      }
      for (const round of ROUNDS) {
        for (const tenant of ['a', 'b']) {
          const url = `${gateway.controlUrl}/stations-${tenant}/call/Reset/CP1/m${round}?wait=5000`;
          const { status, body } = await ask(url, { method: 'POST', body: '{"type":"Soft"}' });
          assert.deepEqual([status, JSON.parse(body)], [200, { tenant }]);
        }
      }
      assert.equal(
        (await ask(`${gateway.controlUrl}/call/Reset/CP1/m`, { method: 'POST' })).status,
        426,
        'no station is directly under WS_HOSTNAME',
      );
      const closed = await ask(`${gateway.controlUrl}/stations-a/CP1`, { method: 'DELETE' });
      assert.equal(closed.status, 200);
    });

    test('ids that look like another’s address are nobody’s but their own', async (t) => {
      const { gateway, enter } = await scene(t, { WORKERS: workers });
      const rightful = await enter(t, 'a', 'x');
      const ids = ['/tenant-a//x', '//x', '/tenant-a/x', '/x', 'tenant-a'];
      const strangers = new Map<string, Client>();
      for (const id of ids) strangers.set(id, await enter(t, 'none', id));
      assert.equal(rightful.ws.readyState, rightful.ws.OPEN);
      for (const round of ROUNDS) {
        assert.equal((await ask(`${gateway.controlUrl}/tenant-a/x`, { method: 'POST', body: `rightful ${round}` })).body, 'ok');
        for (const id of ids) {
          assert.equal(
            (await ask(`${gateway.controlUrl}/${encodeURIComponent(id)}`, { method: 'POST', body: `${id} ${round}` })).body,
            'ok',
            id,
          );
          await strangers.get(id)?.frames.first(told(`${id} ${round}`));
        }
      }
      await rightful.frames.atLeast(ROUNDS.length);
      assert.ok(rightful.frames.all.every(({ text }) => text.startsWith('rightful')));
    });
  });
}

suite('control paths', { concurrency: true }, () => {
  test('serve the methods of their dialect, and nothing where there is none', async (t) => {
    const { gateway, enter } = await scene(t, { CONTROL_PORT: '0' });
    await enter(t, 'a', 'x');
    const statusOf = async (method: string, path: string) => {
      const { status, headers } = await ask(gateway.controlUrl + path, { method });
      return [status, headers.allow];
    };
    assert.deepEqual(await statusOf('PATCH', '/tenant-a/x'), [405, 'DELETE, GET, HEAD, POST, PUT']);
    assert.deepEqual(await statusOf('POST', '/stations-a/x'), [405, 'DELETE, GET, HEAD, PUT']);
    assert.deepEqual(await statusOf('HEAD', '/tenant-a/x'), [200, undefined]);
    assert.deepEqual(await statusOf('GET', '/tenant-a/nobody'), [404, undefined]);
    assert.deepEqual(await statusOf('POST', '/tenant-a/call/Reset/x/m'), [404, undefined]);
    assert.deepEqual(await statusOf('POST', '/stations-a/call/Reset'), [400, undefined]);
    for (const path of ['/tenant-c/x', '/Tenant-a/x', '/tenant-a', '/tenant-a/x/y', '/tenant-a/status', '/tenant-a/send'])
      assert.equal((await statusOf('GET', path))[0], 404, path);
    assert.equal((await statusOf('POST', '/tenant-c/call/Reset/x/m'))[0], 404);
    assert.equal((await statusOf('PATCH', '/tenant-c/x'))[0], 404);
  });

  test('on a port that clients share, a path under none is answered as any client path is', async (t) => {
    const { gateway } = await scene(t);
    for (const path of ['/a/x', '/anything/x', '/anything/call/Reset/x/m'])
      assert.equal((await ask(gateway.publicUrl + path)).status, 426, path);
  });

  test('command nobody until the control API is opened', async (t) => {
    const { gateway, enter } = await scene(t, { CONTROL_ALLOW: '' });
    const client = await enter(t, 'a', 'x');
    for (const [method, path] of [
      ['POST', '/tenant-a/x'],
      ['PUT', '/tenant-a/x'],
      ['GET', '/tenant-a/x'],
      ['DELETE', '/tenant-a/x'],
      ['POST', '/stations-a/call/Reset/CP1/m'],
    ] as const)
      assert.equal((await ask(gateway.publicUrl + path, { method })).status, 403, `${method} ${path}`);
    assert.equal(client.ws.readyState, client.ws.OPEN);
    assert.equal(client.frames.all.length, 0);
  });

  test('that a later file brings are served from then on, and those that it drops for as long as they have clients', async (t) => {
    const { gateway, backend, file, enter } = await processScene(t);
    const early = await enter(t, 'a', 'x');
    const url = `${gateway.controlUrl}/tenant-c/x`;
    assert.equal((await ask(url, { method: 'POST' })).status, 426);
    await file.write(`routes:\n${rawRoute('c', backend.url)}`);
    gateway.process.kill('SIGHUP');
    await gateway.log.first(({ msg }) => msg === 'routes were read again');
    const late = await connect(t, `${gateway.wsUrl}/c/x`);
    assert.equal((await ask(url, { method: 'POST', body: 'late' })).body, 'ok');
    assert.equal((await ask(`${gateway.controlUrl}/tenant-a/x`, { method: 'POST', body: 'early' })).body, 'ok');
    await Promise.all([late.frames.first(told('late')), early.frames.first(told('early'))]);
  });

  test('are in the ends that are told for a worker that died', async (t) => {
    const { gateway, backend, enter } = await processScene(t, { WORKERS: '2' });
    await enter(t, 'a', 'x');
    await enter(t, 'b', 'x');
    for (const pid of workerPids(gateway)) signalTo(pid, 'SIGKILL');
    const closes = await backend.calls.atLeast(2, ({ method }) => method === 'DELETE');
    const facts = closes.map(
      ({ url, headers }) => `${url} ${String(headers['ws-orphan'])} ${String(headers['ws-uri']).replace(/^[^/]*/, '')}`,
    );
    assert.deepEqual(facts.toSorted(), ['/ws/a/x true /tenant-a/x', '/ws/b/x true /tenant-b/x']);
  });
});
