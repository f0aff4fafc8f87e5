import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { ask } from '../support/ask.ts';
import { startBackend, type Backend, type Call } from '../support/backend.ts';
import { connect, tryConnect } from '../support/client.ts';
import { startServing } from '../support/app.ts';
import type { Gateway } from '../support/gateway.ts';
import { ok } from '../support/guests.ts';
import { routesFile } from '../support/routes-file.ts';

type Scene = {
  readonly gateway: Gateway;
  readonly backend: Backend;
  readonly answerNext: (user: string, isWelcome: boolean) => Promise<void>;
};

const userOf = ({ headers }: Call): string => String(headers.cookie);

/** Clients of `/raw/:id` name themselves by a cookie; the test answers for each when it likes. */
async function scene(t: TestContext, env: Record<string, string> = {}, route = ''): Promise<Scene> {
  const held = new Map<string, (isWelcome: boolean) => void>();
  const backend = await startBackend(t, (call) => {
    if (call.headers['ws-event'] !== 'open' || call.headers.cookie === undefined) return { body: 'ok' };
    return new Promise((resolve) =>
      held.set(userOf(call), (isWelcome) => resolve(isWelcome ? { body: 'ok' } : { status: 403, body: 'no' })),
    );
  });
  const file = `routes:
  - { path: "/raw/:id", dialect: raw, backend: "${backend.url}"${route} }
  - { path: "/*", backend: "${backend.url}/own" }
`;
  const { path } = await routesFile(t, file);
  const gateway = await startServing(t, { ROUTES_FILE: path, ...env });
  return {
    gateway,
    backend,
    async answerNext(user, isWelcome) {
      await backend.calls.first((call) => call.headers['ws-event'] === 'open' && userOf(call) === user);
      held.get(user)?.(isWelcome);
    },
  };
}

const push = (gateway: Gateway, id: string, body: string) => ask(`${gateway.controlUrl}/${id}`, { method: 'POST', body });

for (const workers of ['1', '2']) {
  suite(`who holds an id, with ${workers} workers`, { concurrency: 3 }, () => {
    test('an id that the gateway gave cannot be taken, nor one of its form: 400, and its client is unharmed', async (t) => {
      const { gateway, backend } = await scene(t, { WORKERS: workers });
      backend.answer = (call) => (call.url === '/ws/own' ? ok() : { body: 'ok' });
      const rightful = await connect(t, `${gateway.wsUrl}/chat`);
      const { headers } = await backend.calls.first(({ url }) => url === '/ws/own');
      const id = String(headers['ws-connection']);
      for (let attempt = 0; attempt < 6; attempt += 1) {
        const result = await tryConnect(t, `${gateway.wsUrl}/raw/${id}`);
        assert.ok('status' in result && result.status === 400, JSON.stringify(result));
      }
      assert.equal((await ask(`${gateway.controlUrl}/${id}`, { method: 'PUT', body: 'mine' })).status, 200);
      assert.equal((await rightful.frames.first(() => true)).text, 'mine');
      await connect(t, `${gateway.wsUrl}/raw/${'a'.repeat(30)}`); // as long as one, and none
    });

    test('a stranger who is still being asked about takes no early push from the rightful client', async (t) => {
      const { gateway, backend, answerNext } = await scene(t, { WORKERS: workers });
      const stranger = tryConnect(t, `${gateway.wsUrl}/raw/dev`, { headers: { cookie: 'stranger' } });
      await backend.calls.first(({ headers }) => headers.cookie === 'stranger');
      const rightful = tryConnect(t, `${gateway.wsUrl}/raw/dev`, { headers: { cookie: 'rightful' } });
      await backend.calls.first(({ headers }) => headers.cookie === 'rightful');
      assert.equal((await push(gateway, 'dev', 'welcome')).status, 202);
      await answerNext('stranger', false);
      assert.ok('status' in (await stranger));
      await answerNext('rightful', true);
      const client = await rightful;
      assert.ok('frames' in client);
      assert.equal((await client.frames.first(() => true)).text, 'welcome');
    });

    test('with duplicateId oldest a stranger who is still being asked about locks nobody out', async (t) => {
      const { gateway, backend, answerNext } = await scene(t, { WORKERS: workers }, ', duplicateId: oldest');
      const stranger = tryConnect(t, `${gateway.wsUrl}/raw/dev`, { headers: { cookie: 'stranger' } });
      await backend.calls.first(({ headers }) => headers.cookie === 'stranger');
      const rightful = tryConnect(t, `${gateway.wsUrl}/raw/dev`, { headers: { cookie: 'rightful' } });
      await answerNext('rightful', true);
      assert.ok('frames' in (await rightful));
      await answerNext('stranger', true); // even one that the backend lets in comes too late
      const late = await stranger;
      assert.ok('status' in late && late.status === 409, JSON.stringify(late));
      const third = await tryConnect(t, `${gateway.wsUrl}/raw/dev`, { headers: { cookie: 'third' } });
      assert.ok('status' in third && third.status === 409);
      assert.equal(backend.calls.all.filter(({ headers }) => headers.cookie === 'third').length, 0, 'and the backend is not asked for it');
    });

    test('while a newcomer is asked about, the holder keeps its pushes, and the newcomer has them too once it is let in', async (t) => {
      const { gateway, backend, answerNext } = await scene(t, { WORKERS: workers });
      const first = tryConnect(t, `${gateway.wsUrl}/raw/dev`, { headers: { cookie: 'first' } });
      await answerNext('first', true);
      const holder = await first;
      assert.ok('frames' in holder);
      const newcomer = tryConnect(t, `${gateway.wsUrl}/raw/dev`, { headers: { cookie: 'newcomer' } });
      await backend.calls.first(({ headers }) => headers.cookie === 'newcomer');
      assert.equal((await push(gateway, 'dev', 'to the holder')).status, 200);
      assert.equal((await holder.frames.first(() => true)).text, 'to the holder');
      await answerNext('newcomer', true);
      const client = await newcomer;
      assert.ok('frames' in client);
      assert.equal((await holder.ended).code, 4409);
      assert.equal((await push(gateway, 'dev', 'to the newest')).status, 200);
      await client.frames.first(({ text }) => text === 'to the newest');
      if (workers === '1')
        assert.deepEqual(
          client.frames.all.map(({ text }) => text),
          ['to the holder', 'to the newest'],
        );
    });
  });
}
