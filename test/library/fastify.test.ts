import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import websocket from '@fastify/websocket';
import fastify, { type FastifyInstance } from 'fastify';
import { ConfigError, type Handlers } from '../../src/index.ts';
import { wsaas, type WsaasOptions } from '../../src/fastify.ts';
import { startBackend } from '../support/backend.ts';
import { connect, refusal } from '../support/client.ts';
import { isCall, recorded } from '../support/hosted.ts';
import { openRaw, upgradeRequest } from '../support/raw-socket.ts';

const ECHO: Handlers = { onMessage: (client, data) => client.send(data) };
const CHAT: WsaasOptions = { routes: [{ path: '/chat/:room', tags: { room: ':room' }, backend: ECHO }] };

type Served = { readonly application: FastifyInstance; readonly url: string; readonly wsUrl: string };

async function serve(
  t: TestContext,
  options: WsaasOptions,
  further: (application: FastifyInstance) => unknown = () => {},
): Promise<Served> {
  const application = fastify();
  await further(application);
  await application.register(wsaas, options);
  application.get('/hello', () => ({ hello: 'world' }));
  t.after(() => application.close());
  const url = await application.listen({ host: '127.0.0.1', port: 0 });
  return { application, url, wsUrl: url.replace('http', 'ws') };
}

test('clients and the application’s own routes live on one server; fastify.wsaas is the gateway', async (t) => {
  const { application, url, wsUrl } = await serve(t, CHAT);
  const peer = await connect(t, `${wsUrl}/chat/7`);
  peer.ws.send('x');
  assert.equal((await peer.frames.first(() => true)).text, 'x');
  assert.deepEqual(await (await fetch(`${url}/hello`)).json(), { hello: 'world' });
  assert.equal((await fetch(`${url}/chat/7`)).status, 404, 'a plain request on such a path is the application’s');
  assert.equal((await application.wsaas.send({ room: '7' }, 'all')).sent, 1);
  await assert.rejects(application.wsaas.listen(), /the application listens/);
});

test('an upgrade on a path that is none of ours is the plain request that it would have been', async (t) => {
  const { wsUrl } = await serve(t, CHAT);
  const other = await refusal(t, `${wsUrl}/elsewhere`);
  assert.equal(other.status, 404);
  assert.match(other.body, /Route GET:\/elsewhere not found/);
  const raw = await openRaw(t, wsUrl);
  raw.write(upgradeRequest({ path: '/hello' }));
  assert.equal((await raw.answer).body, '{"hello":"world"}');
});

test('an application with WebSockets of its own keeps them', async (t) => {
  const { wsUrl } = await serve(t, CHAT, async (application) => {
    await application.register(websocket);
    application.get('/own', { websocket: true }, (socket) => {
      socket.on('message', (data: Buffer) => socket.send(`own ${String(data)}`));
    });
  });
  const [own, ours] = [await connect(t, `${wsUrl}/own`), await connect(t, `${wsUrl}/chat/1`)];
  own.ws.send('x');
  ours.ws.send('x');
  assert.deepEqual([(await own.frames.first(() => true)).text, (await ours.frames.first(() => true)).text], ['own x', 'x']);
  assert.equal((await refusal(t, `${wsUrl}/chat`)).status, 404);
});

test('the control API is under its prefix, behind the application’s hooks, and ws_uri leads there', async (t) => {
  const backend = await startBackend(t);
  const seen: string[] = [];
  const { url, wsUrl, application } = await serve(
    t,
    { routes: [{ path: '/there', backend: backend.url }], options: { CONTROL_ALLOW: '127.0.0.0/8' }, controlPrefix: '/ws-control' },
    (own) => own.addHook('onRequest', async ({ url: asked }) => void seen.push(asked)),
  );
  const peer = await connect(t, `${wsUrl}/there`);
  const open = await backend.calls.first(() => true);
  const wsUri = String(open.headers['ws-uri']);
  assert.equal(
    wsUri,
    `localhost:${(application.server.address() as AddressInfo).port}/ws-control/${String(open.headers['ws-connection'])}`,
  );
  const pushed = await fetch(`http://${wsUri.replace('localhost', '127.0.0.1')}`, { method: 'PUT', body: 'pushed' });
  assert.deepEqual([pushed.status, await pushed.json()], [200, { code: 'OK' }]);
  assert.equal((await peer.frames.first(() => true)).text, 'pushed');
  assert.equal(await (await fetch(`${url}/ws-control/send?all=true`, { method: 'POST', body: 'all' })).text(), '1');
  assert.equal((await fetch(`${url}/ws-control/livez`)).status, 200);
  const unknown = await fetch(`${url}/ws-control/a/b/c`);
  assert.deepEqual([unknown.status, ((await unknown.json()) as { code: string }).code], [404, 'NOT_FOUND']);
  assert.ok(seen.includes('/ws-control/livez'));
  assert.equal((await fetch(`${url}/livez`)).status, 404);
});

test('the application’s close drains: goodbye, onShutdown, onClose, and everything is ended', async (t) => {
  const { handlers, calls } = recorded({ onShutdown: (client) => client.send('bye') });
  const { application, wsUrl } = await serve(t, { routes: [{ path: '/*', backend: handlers }], options: { DRAIN_MS: 50 } });
  const peer = await connect(t, wsUrl);
  const { emit, shouldUpgradeCallback } = application.server as unknown as Record<string, unknown>;
  await application.close();
  assert.deepEqual(await peer.ended, { code: 1001, reason: 'going away' });
  assert.equal(peer.frames.all.at(-1)?.text, 'bye');
  assert.ok(calls.all.some(isCall('onClose')));
  const after = application.server as unknown as Record<string, unknown>;
  assert.ok(after['emit'] !== emit && after['shouldUpgradeCallback'] !== shouldUpgradeCallback, 'the server is given back');
});

test('it listens on every address of a name', async (t) => {
  const application = fastify();
  await application.register(wsaas, { routes: [{ path: '/chat', backend: ECHO }] });
  t.after(() => application.close());
  await application.listen({ host: 'localhost', port: 0 });
  for (const { address, family, port } of application.addresses() as AddressInfo[]) {
    const peer = await connect(t, `ws://${family === 'IPv6' ? `[${address}]` : address}:${port}/chat`);
    peer.ws.send('x');
    assert.equal((await peer.frames.first(() => true)).text, 'x', address);
  }
});

test('mistakes reject the registration, all of them at once', async () => {
  const wrong = { routes: [], options: { PORT: 80, WORKERS: 2 }, prefix: '/x' } as WsaasOptions;
  await assert.rejects(
    async () => fastify().register(wsaas, wrong),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(
        error.message,
        /prefix: is not known here.*PORT: has no meaning here.*WORKERS: .*routes: must not have fewer than 1 items/s,
      );
      return true;
    },
  );
  await assert.rejects(
    async () => fastify().register(wsaas, { ...CHAT, controlPrefix: 'ws/' }),
    /controlPrefix: must be a path such as \/ws/,
  );
});
