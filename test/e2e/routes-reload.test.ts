import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { startBackend, type Backend } from '../support/backend.ts';
import { ask } from '../support/ask.ts';
import { connect, refusal, tryConnect } from '../support/client.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import { isEvent, isOpenOf } from '../support/guests.ts';
import { routesFile, type RoutesFile } from '../support/routes-file.ts';

const READ_AGAIN = 'routes were read again';
const KEPT = 'routes stay as they were';

type Scene = {
  readonly gateway: GatewayProcess;
  readonly old: Backend;
  readonly young: Backend;
  readonly file: RoutesFile;
  /** Writes the file and sends SIGHUP; resolves with the log lines of all processes. */
  readonly reload: (text: string, message: string) => Promise<readonly string[]>;
};

async function scene(t: TestContext, workers: number): Promise<Scene> {
  const [old, young] = await Promise.all([startBackend(t), startBackend(t)]);
  const file = await routesFile(
    t,
    `routes:\n  - { path: /chat, backend: "${old.url}", maxMessageBytes: 100, tags: { age: old } }\n  - { path: /large, backend: "${old.url}" }\n`,
  );
  const gateway = await startGateway(t, { ROUTES_FILE: file.path, WORKERS: String(workers) });
  const reload: Scene['reload'] = async (text, message) => {
    await file.write(text);
    const before = gateway.log.all.length;
    const expected = gateway.log.all.filter(({ msg }) => msg === message).length + workers;
    gateway.process.kill('SIGHUP');
    const all = await gateway.log.atLeast(expected, ({ msg }) => msg === message);
    assert.ok(
      gateway.log.all.slice(before).every(({ msg }) => msg === message),
      'and nothing else was logged',
    );
    return all.slice(-workers).map(({ problem }) => String(problem));
  };
  return { gateway, old, young, file, reload };
}

/** Enough clients for all workers to have some: all come to one of two once in 2^11 times. */
const CLIENTS = 12;
const each = <Result>(make: (index: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: CLIENTS }, (_none, index) => make(index)));

for (const workers of [1, 2]) {
  suite(`SIGHUP, with ${workers === 1 ? 'one process' : `${workers} workers`}`, () => {
    test('new connections use the new routes, open ones keep theirs to their end', async (t) => {
      const { gateway, old, young, reload } = await scene(t, workers);
      const before = await each(() => connect(t, `${gateway.wsUrl}/chat`));
      await reload(
        `routes:\n  - { path: /chat, backend: "${young.url}", maxMessageBytes: 50, tags: { age: young } }\n  - { path: /new, backend: "${young.url}" }\n`,
        READ_AGAIN,
      );
      const after = await each(() => connect(t, `${gateway.wsUrl}/chat`));
      await connect(t, `${gateway.wsUrl}/new`);
      assert.equal(old.calls.all.filter(isEvent('open')).length, CLIENTS);
      assert.equal(young.calls.all.filter(isEvent('open')).length, CLIENTS + 1);
      const count = async (age: string) => (await fetch(`${gateway.controlUrl}/count?age=${age}`)).text();
      assert.deepEqual([await count('old'), await count('young')], [String(CLIENTS), String(CLIENTS)]);

      const text = 'x'.repeat(80); // over the new limit, not over the old one
      for (const { ws } of [...before, ...after]) ws.send(text);
      for (const { ended } of after) assert.equal((await ended).code, 1009);
      await old.calls.atLeast(CLIENTS, (call) => isEvent('message')(call) && call.text === text);
      for (const { ws } of before) ws.close(1000);
      await old.calls.atLeast(CLIENTS, isEvent('close'));
      await young.calls.atLeast(CLIENTS, isEvent('close'));
      assert.equal(young.calls.all.filter(isEvent('message')).length, 0);
    });

    test('a route that is gone is 404 for new clients and serves those that it has', async (t) => {
      const { gateway, old, young, reload } = await scene(t, workers);
      const client = await connect(t, `${gateway.wsUrl}/chat`);
      await reload(`routes:\n  - { path: /other, backend: "${young.url}" }\n`, READ_AGAIN);
      for (const { status } of await each(() => refusal(t, `${gateway.wsUrl}/chat`))) assert.equal(status, 404);
      client.ws.send('still here');
      await old.calls.first((call) => isEvent('message')(call) && call.text === 'still here');
      client.ws.close(1000);
      await old.calls.first(isEvent('close'));
    });

    test('a bad file changes nothing and is reported with file, line and path; a good one after it counts', async (t) => {
      const { gateway, old, young, file, reload } = await scene(t, workers);
      const client = await connect(t, `${gateway.wsUrl}/chat`);
      const bad: [text: string, problem: RegExp][] = [
        [`routes:\n  - path: /chat\n    backend: "${young.url}"\n    replyy: true\n`, /^FILE:4: routes\.0\.replyy: /],
        [
          `routes:\n  - { path: /chat, backend: "${young.url}" }\n  - { path: chat }\n`,
          /^FILE:3: routes\.1\.path: .*\nFILE:3: routes\.1: .*backend/,
        ],
        ['routes: [', /^FILE:[12]: /],
        [`routes:\n  - { path: /chat, backend: *nobody }\n`, /^FILE:2: /],
        [`a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nroutes: [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n`, /^FILE:\d: /],
        ['', /^FILE:1: /],
      ];
      for (const [text, problem] of bad) {
        for (const reported of await reload(text, KEPT)) assert.match(reported.replaceAll(file.path, 'FILE'), problem);
        await connect(t, `${gateway.wsUrl}/chat`);
      }
      assert.equal(old.calls.all.filter(isOpenOf('/chat')).length, bad.length + 1, 'who came after a bad file came by the old one');
      client.ws.send('still here');
      await old.calls.first((call) => isEvent('message')(call) && call.text === 'still here');

      await reload(`routes:\n  - { path: /chat, backend: "${young.url}" }\n`, READ_AGAIN);
      await connect(t, `${gateway.wsUrl}/chat`);
      assert.equal(young.calls.all.filter(isOpenOf('/chat')).length, 1);
      assert.equal(gateway.process.exitCode, null);
    });
  });
}

test('SIGHUP may bring longer messages than any route had at the start: both ways, to one client and to a selection', async (t) => {
  const backend = await startBackend(t);
  const file = await routesFile(t, `routes:\n  - { path: /chat, backend: "${backend.url}" }\n`);
  const gateway = await startGateway(t, { ROUTES_FILE: file.path, MAX_MESSAGE_BYTES: '1000' });
  const old = await connect(t, `${gateway.wsUrl}/chat`);
  await file.write(`routes:\n  - { path: /chat, backend: "${backend.url}", maxMessageBytes: 3000000 }\n`);
  gateway.process.kill('SIGHUP');
  assert.equal((await gateway.log.first(({ msg }) => msg === READ_AGAIN || msg === KEPT)).msg, READ_AGAIN);
  const client = await connect(t, `${gateway.wsUrl}/chat`);
  const long = 'x'.repeat(3_000_000);
  client.ws.send(long);
  const id = String((await backend.calls.first(({ text }) => text === long)).headers['ws-connection']);
  const wsUri = `${gateway.controlUrl}/${id}`;
  assert.equal((await ask(wsUri, { method: 'PUT', body: long })).status, 200);
  assert.equal((await ask(`${gateway.controlUrl}/send?id=${id}`, { method: 'POST', body: long })).body, '1');
  assert.equal((await client.frames.atLeast(2)).filter(({ text }) => text === long).length, 2);
  assert.equal((await fetch(wsUri, { method: 'PUT', body: `${long}x` })).status, 413);
  old.ws.send('x'.repeat(1_001));
  assert.equal((await old.ended).code, 1009, 'a client that was there keeps its limits');
});

test('SIGHUP: a new route may have the general limits although every route had smaller ones at the start', async (t) => {
  const backend = await startBackend(t);
  const file = await routesFile(t, `routes:\n  - { path: /chat, backend: "${backend.url}", maxMessageBytes: 100 }\n`);
  const gateway = await startGateway(t, { ROUTES_FILE: file.path, MAX_MESSAGE_BYTES: '1000' });
  await file.write(`routes:\n  - { path: /chat, backend: "${backend.url}" }\n`);
  gateway.process.kill('SIGHUP');
  const { msg, problem } = await gateway.log.first(({ msg }) => msg === READ_AGAIN || msg === KEPT);
  assert.deepEqual([msg, problem], [READ_AGAIN, undefined]);
  const client = await connect(t, `${gateway.wsUrl}/chat`);
  client.ws.send('x'.repeat(1_000));
  await backend.calls.first(({ text }) => text === 'x'.repeat(1_000));
});

test('SIGHUP brings dialects that no route had at the start: their commands come with them, and not before', async (t) => {
  const backend = await startBackend(t, ({ method }) => ({ body: method === 'GET' ? 'ok' : '{"code":"OK"}' }));
  const wsaas = `  - { path: /chat, backend: "${backend.url}" }\n`;
  const file = await routesFile(t, `routes:\n${wsaas}`);
  const gateway = await startGateway(t, { ROUTES_FILE: file.path, CONTROL_PORT: '0' });
  const reload = async (text: string): Promise<void> => {
    const before = gateway.log.all.filter(({ msg }) => msg === READ_AGAIN || msg === KEPT).length;
    await file.write(`routes:\n${text}`);
    gateway.process.kill('SIGHUP');
    const lines = await gateway.log.atLeast(before + 1, ({ msg }) => msg === READ_AGAIN || msg === KEPT);
    assert.deepEqual([lines.at(-1)?.msg, lines.at(-1)?.['problem']], [READ_AGAIN, undefined]);
  };
  const answerTo = async (method: string, path: string) => {
    const { status, headers } = await ask(gateway.controlUrl + path, { method, ...(method === 'POST' && { body: '{}' }) });
    return [status, headers['allow']];
  };
  const call = '/call/Reset/nobody/1';
  assert.deepEqual(await answerTo('POST', '/box'), [405, 'DELETE, GET, HEAD, PUT']);
  assert.deepEqual(await answerTo('PATCH', '/box'), [405, 'DELETE, GET, HEAD, PUT']);
  assert.deepEqual(await answerTo('POST', call), [404, undefined]);

  const raw = `  - { path: "/raw/:id", dialect: raw, backend: "${backend.url}" }\n`;
  await reload(wsaas + raw);
  const client = await connect(t, `${gateway.wsUrl}/raw/box`);
  assert.deepEqual(await answerTo('POST', '/box'), [200, undefined]);
  assert.equal((await client.frames.first(() => true)).text, '{}');
  assert.deepEqual(await answerTo('PATCH', '/box'), [405, 'DELETE, GET, HEAD, POST, PUT']);
  assert.deepEqual(await answerTo('POST', call), [404, undefined]);

  const ocpp = `  - { path: "/ocpp/:id", dialect: ocpp, backend: "${backend.url}" }\n`;
  await reload(ocpp);
  assert.deepEqual(await answerTo('POST', call), [404, undefined]);
  const station = await connect(t, `${gateway.wsUrl}/ocpp/station`, { subprotocols: ['ocpp1.6'] });
  assert.deepEqual(await answerTo('POST', '/call/Reset/station/1'), [202, undefined]);
  assert.match((await station.frames.first(() => true)).text, /^\[2,"1","Reset"/);
  assert.deepEqual(await answerTo('POST', '/box'), [200, undefined], 'an open connection keeps its commands');
});

test('two SIGHUPs at once: the last file written counts', async (t) => {
  const { gateway, young, file } = await scene(t, 1);
  for (let round = 0; round < 10; round += 1) {
    await file.write(`routes:\n  - { path: /round-${round}, backend: "${young.url}" }\n`);
    gateway.process.kill('SIGHUP');
  }
  for (;;) {
    const seen = gateway.log.all.length;
    if ('ws' in (await tryConnect(t, `${gateway.wsUrl}/round-9`))) break;
    await gateway.log.atLeast(seen + 1);
  }
});
