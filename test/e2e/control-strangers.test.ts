import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { ask } from '../support/ask.ts';
import { connect } from '../support/client.ts';
import { startApp } from '../support/app.ts';
import type { Gateway } from '../support/gateway.ts';
import { ok } from '../support/guests.ts';
import { routesFile } from '../support/routes-file.ts';

/** One port with every dialect, a raw client `device-1` and a station `CP1` on it. */
async function everyDialect(t: TestContext, env: Record<string, string>): Promise<{ gateway: Gateway; given: string }> {
  const backend = await startBackend(t, (call) => (call.method === 'GET' ? { body: 'ok' } : ok()));
  const { path } = await routesFile(
    t,
    `routes:
  - { path: "/raw/:id", dialect: raw, backend: "${backend.url}" }
  - { path: "/ocpp/:id", dialect: ocpp, backend: "${backend.url}" }
  - { path: "/*", backend: "${backend.url}" }
`,
  );
  const gateway = await startApp(t, { ROUTES_FILE: path, CONTROL_ALLOW: '', ...env });
  await connect(t, `${gateway.wsUrl}/raw/device-1`);
  await connect(t, `${gateway.wsUrl}/ocpp/CP1`, { subprotocols: ['ocpp1.6'] });
  await connect(t, `${gateway.wsUrl}/chat`);
  const { headers } = await backend.calls.first(({ method, url }) => method === 'POST' && url === '/ws');
  return { gateway, given: String(headers['ws-connection']) };
}

const COMMANDS = (given: string) =>
  [
    ['PUT', `/${given}`],
    ['DELETE', `/${given}?code=4001`],
    ['GET', `/${given}`],
    ['POST', '/device-1'],
    ['DELETE', '/device-1'],
    ['PUT', '/device-1'],
    ['POST', '/call/Reset/CP1/m1'],
    ['POST', '/send/Notify/CP1/m1'],
    ['POST', '/resulterror/Reset/CP1/m1'],
    ['POST', '/send?all=true'],
    ['POST', '/settags?all=true'],
    ['POST', '/close?all=true'],
    ['GET', '/status'],
    ['GET', '/tree'],
    ['GET', '/count?all=true'],
    ['GET', '/metrics'],
  ] as const;

const OPEN = { CONTROL_ALLOW: '127.0.0.0/8' };

suite('strangers at the control API', { concurrency: 3 }, () => {
  test('a page of another site commands nothing: fetch, no-cors fetch, form, navigation, a sandboxed frame', async (t) => {
    const { gateway, given } = await everyDialect(t, { ...OPEN, ORIGINS: 'https://app.example.com' });
    const pages: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'https://app.example.com' }, // ORIGINS is for clients
      { origin: gateway.publicUrl.replace('http:', 'https:') },
      { origin: `${gateway.publicUrl}0` },
      { origin: 'https://a.example, https://b.example' },
      { origin: '' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'CROSS-SITE' },
      { 'sec-fetch-site': 'none, cross-site' },
      { origin: 'https://evil.example', 'content-type': 'text/plain', 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'cross-site' },
    ];
    for (const headers of pages) {
      for (const [method, path] of COMMANDS(given)) {
        const { status, body } = await ask(gateway.publicUrl + path, { method, headers });
        assert.deepEqual(
          [method, path, status, (JSON.parse(body) as { code: string }).code],
          [method, path, 403, 'FORBIDDEN'],
          JSON.stringify(headers),
        );
      }
    }
    assert.equal((await ask(`${gateway.publicUrl}/count?all=true`)).body, '3', 'nobody was closed');
    const own = { origin: gateway.publicUrl }; // the console's
    assert.equal((await ask(`${gateway.publicUrl}/${given}`, { headers: own })).status, 200);
    for (const site of ['same-origin', 'none'])
      assert.equal((await ask(`${gateway.publicUrl}/${given}`, { headers: { 'sec-fetch-site': site } })).status, 200);
  });

  test('pages of CONTROL_ORIGINS may, and get what browsers ask for', async (t) => {
    const { gateway, given } = await everyDialect(t, { CONTROL_TOKEN: 'secret', CONTROL_ORIGINS: 'https://ops.example.com' });
    const origin = 'https://ops.example.com';
    const asked = { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization' };
    const preflight = await ask(`${gateway.publicUrl}/${given}`, { method: 'OPTIONS', headers: asked });
    assert.deepEqual([preflight.status, preflight.headers['access-control-allow-origin'], preflight.headers.vary], [204, origin, 'Origin']);
    assert.match(preflight.headers['access-control-allow-methods'] ?? '', /\bPUT\b/);
    assert.match(preflight.headers['access-control-allow-headers'] ?? '', /\bauthorization\b/);
    const put = await ask(`${gateway.publicUrl}/${given}`, {
      method: 'PUT',
      body: 'x',
      headers: { origin, authorization: 'Bearer secret', 'sec-fetch-site': 'cross-site' },
    });
    assert.deepEqual([put.status, put.headers['access-control-allow-origin']], [200, origin]);
    assert.equal((await ask(`${gateway.publicUrl}/${given}`, { method: 'PUT', headers: { origin } })).status, 401, 'an origin is no token');
    const stranger = await ask(`${gateway.publicUrl}/${given}`, {
      method: 'OPTIONS',
      headers: { ...asked, origin: 'https://evil.example' },
    });
    assert.deepEqual([stranger.status, stranger.headers['access-control-allow-origin']], [403, undefined]);
  });

  test('without a token a Host that a stranger can own is refused (DNS rebinding), by the header and by the target', async (t) => {
    const env = { ...OPEN, WS_HOSTNAME: 'https://push.example.com:8443/gate', CONTROL_ORIGINS: 'https://ops.example.com' };
    const { gateway, given } = await everyDialect(t, env);
    const statusOf = async (host: string, path = `/${given}`) => (await ask(gateway.publicUrl + path, { headers: { host } })).status;
    for (const host of [
      'evil.example',
      'evil.example:8080',
      'EVIL.example',
      'localhost.evil.example',
      'evil.example.',
      '127.0.0.1.evil.example',
      'evillocal.host',
      'push.example.com.evil.example',
    ])
      for (const [method, path] of COMMANDS(given))
        assert.deepEqual(
          [host, method, path, (await ask(gateway.publicUrl + path, { method, headers: { host } })).status],
          [host, method, path, 403],
        );
    for (const host of [
      '127.0.0.1',
      '127.0.0.1:1',
      '10.1.2.3:8080',
      '[::1]:8080',
      'localhost',
      'LOCALHOST:1',
      'wsaas',
      'wsaas:8080',
      'a.localhost',
      'gw.default.svc',
      'gw.default.svc.cluster.local:8080',
      'gw.default.svc.cluster.local.',
      'box.local',
      'gw.prod.internal',
      'push.example.com',
      'push.example.com:8443',
      'ops.example.com',
    ])
      assert.deepEqual([host, await statusOf(host)], [host, 200]);
    assert.equal(await statusOf('evil.example', '/livez'), 200, 'probes come by any name');
  });

  test('with a token any Host will do', async (t) => {
    const { gateway, given } = await everyDialect(t, { CONTROL_TOKEN: 'secret' });
    const { status } = await ask(`${gateway.publicUrl}/${given}`, { headers: { host: 'any.example', authorization: 'bearer   secret ' } });
    assert.equal(status, 200);
  });

  test('until it is opened, what can be guessed is 403 for everybody, and says how to open it', async (t) => {
    const { gateway, given } = await everyDialect(t, {});
    for (const [method, path] of COMMANDS(given)) {
      if (path.includes(given)) continue;
      const { status, body } = await ask(gateway.publicUrl + path, { method });
      assert.deepEqual([method, path, status], [method, path, 403]);
      for (const option of ['CONTROL_ALLOW', 'CONTROL_TOKEN', 'CONTROL_PORT']) assert.ok(body.includes(option), body);
    }
    assert.equal((await ask(`${gateway.publicUrl}/${given}`, { method: 'PUT', body: 'x' })).status, 200);
    assert.equal((await ask(`${gateway.publicUrl}/${given}`)).status, 200);
    assert.equal(
      (await ask(`${gateway.publicUrl}/${given.slice(0, -1)}${given.endsWith('A') ? 'B' : 'A'}`)).status,
      403,
      'not an id that the gateway gives',
    );
    assert.equal((await ask(`${gateway.publicUrl}/${given}`, { method: 'DELETE' })).status, 200);
  });

  for (const [name, env] of Object.entries({
    CONTROL_ALLOW: OPEN,
    CONTROL_PORT: { CONTROL_PORT: '0' },
    CONTROL_TOKEN: { CONTROL_TOKEN: 'secret' },
  })) {
    test(`${name} opens it`, async (t) => {
      const { gateway, given } = await everyDialect(t, env);
      for (const [method, path] of COMMANDS(given)) {
        if (method === 'DELETE' || path.startsWith('/close')) continue;
        const { status } = await ask(gateway.controlUrl + path, { method, headers: { authorization: 'Bearer secret' } });
        assert.ok(status !== 403 && status !== 401, `${method} ${path}: ${status}`);
      }
    });
  }

  test('behind a proxy that adds nothing to the request, the control API is not public', async (t) => {
    // what nginx with the usual WebSocket lines sends: Upgrade and Connection, its own Host, no X-Forwarded-For
    const { gateway } = await everyDialect(t, {});
    const headers = { upgrade: '', connection: 'close' };
    for (const path of ['/status', '/count?all=true', '/metrics', '/tree'])
      assert.equal((await ask(gateway.publicUrl + path, { headers })).status, 403, path);
  });
});
