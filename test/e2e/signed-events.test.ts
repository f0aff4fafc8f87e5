import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { startApp } from '../support/app.ts';
import { ask } from '../support/ask.ts';
import { startBackend, type Backend, type Call } from '../support/backend.ts';
import { connect, tryConnect } from '../support/client.ts';
import { isEvent, ok } from '../support/guests.ts';
import { routesFile } from '../support/routes-file.ts';

const SECRETS = [1, 2].map((fill) => `whsec_${Buffer.alloc(32, fill).toString('base64')}`);
const WEBHOOK_SECRETS = SECRETS.join(',');

/** As a backend would: by the library, over the bytes that came; the id must be the event's. */
function assertSigned({ headers, text, body }: Call): void {
  assert.equal(headers['webhook-id'], headers['ws-event-id']);
  assert.ok(headers['webhook-id'] !== undefined);
  assert.deepEqual(Buffer.from(text), body, 'this test has bodies of text only');
  for (const secret of SECRETS) {
    const wanted = new Webhook(secret).sign(headers['webhook-id'] as string, new Date(Number(headers['webhook-timestamp']) * 1000), text);
    assert.ok(String(headers['webhook-signature']).split(' ').includes(wanted), `${headers['ws-event'] as string}: ${text}`);
  }
}

/** Those of the four clients. */
function ownCalls({ calls }: Backend): readonly Call[] {
  const chat = calls.all.find(({ text }) => text.includes('"path":"/chat/'));
  const ids = new Set(['device-1', 'CP1', String(chat?.headers['ws-connection'])]);
  return calls.all.filter(({ url, headers }) => ids.has(String(headers['ws-connection'])) || url.endsWith('/aws'));
}

/** How long before it came a call was signed, in seconds. */
const ageOf = ({ headers, at }: Call): number => at / 1_000 - Number(headers['webhook-timestamp']);

suite('signed events', { concurrency: 4 }, () => {
  test('every event of every dialect is signed, over the body as it is sent', async (t) => {
    const backend = await startBackend(t, (call) => (call.method === 'GET' ? { body: 'ok' } : ok()));
    const { path } = await routesFile(
      t,
      `routes:
  - { path: "/raw/:id", dialect: raw, backend: "${backend.url}" }
  - { path: "/ocpp/:id", dialect: ocpp, backend: "${backend.url}" }
  - path: /prod
    dialect: aws
    target: { type: webhook, url: "${backend.url}/aws" }
    routes: { $connect: {}, $disconnect: {}, $default: {} }
  - { path: "/*", backend: "${backend.url}?key=a/{id}" }
`,
    );
    const gateway = await startApp(t, { ROUTES_FILE: path, WEBHOOK_SECRETS });
    const chat = await connect(t, `${gateway.wsUrl}/chat/grüße?a=ü`);
    const raw = await connect(t, `${gateway.wsUrl}/raw/device-1`);
    const lambda = await connect(t, `${gateway.wsUrl}/prod`);
    lambda.ws.send('{"action":"x"}');
    const station = await connect(t, `${gateway.wsUrl}/ocpp/CP1`, { subprotocols: ['ocpp2.1'] });
    for (const text of ['', 'grüß Gott 😀', '{"json":true}']) {
      chat.ws.send(text);
      raw.ws.send(text);
    }
    station.ws.send('[2,"m1","Heartbeat",{"a":"ü"}]');
    station.ws.send('[6,"m2","Notify",{}]');
    await station.frames.first(({ text }) => text.startsWith('[3,'));
    const called = ask(`${gateway.controlUrl}/call/Reset/CP1/c1`, { method: 'POST', body: '{}' });
    await station.frames.first(({ text }) => text.startsWith('[2,"c1"'));
    station.ws.send('[3,"c1",{"status":"Accepted"}]');
    assert.equal((await called).status, 202);
    await backend.calls.first(({ url }) => url.includes('/result/'));
    await backend.calls.atLeast(7, isEvent('message'));
    for (const { ws } of [chat, raw, station, lambda]) ws.close(4000, 'gehört');
    await backend.calls.atLeast(4, isEvent('close'));
    const own = ownCalls(backend); // a gateway of somebody else may have had a backend on this port before
    for (const call of own) assertSigned(call);
    const events = new Set(
      own.map(({ method, url, headers }) => `${method} ${url.split(/[/?]/)[2] ?? ''} ${headers['ws-event'] as string}`),
    );
    assert.ok(events.size >= 12, [...events].join('\n'));
  });

  test('a repetition has the same webhook-id and a fresh time', async (t) => {
    let isFirst = true;
    const backend = await startBackend(t, (call) => {
      if (!isEvent('message')(call) || !isFirst) return ok();
      isFirst = false;
      return { status: 503, headers: { 'retry-after': '2' } };
    });
    const gateway = await startApp(t, { API_URI: backend.url, WEBHOOK_SECRETS });
    (await connect(t, gateway.wsUrl)).ws.send('again');
    const [one, two] = (await backend.calls.atLeast(2, isEvent('message'))) as [Call, Call];
    assert.equal(one.headers['webhook-id'], two.headers['webhook-id']);
    assert.ok(Number(two.headers['webhook-timestamp']) - Number(one.headers['webhook-timestamp']) >= 2);
    for (const call of backend.calls.all) assertSigned(call);
  });

  test('what was held while the backend was away is signed when it is sent, not when it was held', async (t) => {
    const { backend, gateway } = await scene(t);
    const clients = await Promise.all(Array.from({ length: 8 }, () => connect(t, gateway.wsUrl)));
    await backend.kill();
    for (const { ws } of clients) ws.send('held'); // enough failures for the backend to count as away
    for (let index = 0; index < 8; index += 1) await tryConnect(t, gateway.wsUrl);
    for (const { ws } of clients) ws.send('held too');
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await backend.revive();
    for (const call of await backend.calls.atLeast(16, isEvent('message'))) {
      assertSigned(call);
      assert.ok(ageOf(call) < 2, `signed ${ageOf(call)} s before it came`);
    }
  });

  test('without WEBHOOK_SECRETS nothing is signed, and what a client sends by these names is not passed on', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startApp(t, { API_URI: backend.url });
    await connect(t, gateway.wsUrl, { headers: { 'webhook-id': 'forged', 'webhook-signature': 'v1,forged' } });
    const { headers } = await backend.calls.first(isEvent('open'));
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith('webhook-')),
      [],
    );
  });
});

async function scene(t: TestContext): Promise<{ backend: Backend; gateway: Awaited<ReturnType<typeof startApp>> }> {
  const backend = await startBackend(t);
  return { backend, gateway: await startApp(t, { API_URI: backend.url, WEBHOOK_SECRETS }) };
}
