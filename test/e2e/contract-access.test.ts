import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { connect } from '../support/client.ts';
import { startApp } from '../support/app.ts';
import { bodyOf, enter, freshPath, openOf, type Scene } from '../support/guests.ts';

async function sceneOf(t: TestContext, env: Record<string, string>): Promise<Scene> {
  const backend = await startBackend(t);
  return { backend, gateway: await startApp(t, { API_URI: backend.url, ...env }) };
}

async function ask(url: string, init: RequestInit = {}): Promise<{ status: number; code: string; headers: Headers }> {
  const response = await fetch(url, init);
  const text = await response.text();
  const json = text.startsWith('{') ? (JSON.parse(text) as { code?: string; message?: string }) : {};
  if (response.status >= 400 && !url.endsWith('/readyz')) assert.equal(typeof json.message, 'string', `${url}: ${text}`);
  return { status: response.status, code: json.code ?? '', headers: response.headers };
}

suite('who may call the control API, and where', { concurrency: 3 }, () => {
  test('on one port a plain request on a client path is 426, one segment is a command first', async (t) => {
    const { gateway } = await sceneOf(t, {});
    for (const path of ['/chat/room', '/a/b/c?x=1', '/chat/']) {
      const { status, code, headers } = await ask(gateway.publicUrl + path);
      assert.deepEqual([path, status, code, headers.get('upgrade')], [path, 426, 'UPGRADE_REQUIRED', 'websocket']);
    }
    assert.deepEqual((await ask(`${gateway.publicUrl}/nobody`)).status, 404);
    const root = (await (await fetch(`${gateway.publicUrl}/`)).json()) as Record<string, unknown>;
    assert.deepEqual(Object.keys(root).toSorted(), ['name', 'node', 'uptime', 'version']);
  });

  test('with CONTROL_PORT the public port serves clients only, and the control port nothing but commands', async (t) => {
    const scene = await sceneOf(t, { CONTROL_PORT: '0' });
    const { gateway, backend } = scene;
    assert.notEqual(gateway.publicUrl, gateway.controlUrl);
    const path = freshPath();
    const guest = await enter(t, scene, { path });
    assert.equal(bodyOf(await openOf(scene, path))['ws_uri'], `localhost:${new URL(gateway.controlUrl).port}/${guest.id}`);
    for (const [method, path_] of [
      ['GET', '/'],
      ['PUT', `/${guest.id}`],
      ['DELETE', `/${guest.id}`],
      ['GET', `/${guest.id}`],
      ['GET', '/livez'],
      ['GET', '/readyz'],
      ['GET', '/metrics'],
      ['POST', '/nobody'],
      ['PROPFIND', '/x'],
    ] as const) {
      assert.deepEqual([method, path_, (await ask(gateway.publicUrl + path_, { method })).status], [method, path_, 426]);
    }
    assert.equal((await guest.push('by its own port')).status, 200);
    await guest.frames.first(({ text }) => text === 'by its own port');
    for (const unknown of ['/nobody', '/no/such/path', `/${guest.id}/x`]) {
      assert.deepEqual([unknown, (await ask(gateway.controlUrl + unknown)).status], [unknown, 404]);
    }
    for (const path_ of ['/livez', '/readyz', '/metrics', '/']) assert.equal((await fetch(gateway.controlUrl + path_)).status, 200, path_);
    await assert.rejects(connect(t, gateway.controlUrl.replace('http', 'ws') + freshPath()));
    assert.equal(backend.calls.all.length, 1, 'the control port takes no clients');
  });

  test('CONTROL_TOKEN is demanded for everything but livez and readyz; clients need none', async (t) => {
    const scene = await sceneOf(t, { CONTROL_TOKEN: 'first-token, second-token' });
    const guest = await enter(t, scene, { headers: { authorization: 'Bearer of-the-client' } });
    for (const authorization of [
      'Bearer wrong',
      'Bearer first-token,',
      'Basic Zmlyc3Q6dG9rZW4=',
      'first-token',
      'Bearer first-token second-token',
      '',
    ]) {
      const answer = await ask(guest.command(), { headers: authorization === '' ? {} : { authorization } });
      assert.deepEqual([authorization, answer.status, answer.code], [authorization, 401, 'UNAUTHORIZED']);
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
    }
    assert.equal((await ask(`${scene.gateway.controlUrl}/metrics`)).status, 401);
    assert.equal((await ask(`${scene.gateway.controlUrl}/nobody`)).status, 401);
    for (const path of ['/livez', '/readyz']) assert.equal((await fetch(scene.gateway.controlUrl + path)).status, 200);
    for (const token of ['first-token', 'second-token']) {
      assert.equal((await guest.push(token, { authorization: `bearer ${token}` })).status, 200);
    }
    assert.equal((await guest.frames.atLeast(2))[1]?.text, 'second-token');
  });

  test('CONTROL_ALLOW refuses others with 403, but livez and readyz are for all, and clients come in', async (t) => {
    const scene = await sceneOf(t, { CONTROL_ALLOW: '192.0.2.0/24,2001:db8::/32' });
    const guest = await enter(t, scene);
    for (const [method, path] of [
      ['PUT', `/${guest.id}`],
      ['GET', `/${guest.id}`],
      ['DELETE', `/${guest.id}`],
      ['PUT', '/nobody'],
      ['GET', '/metrics'],
    ] as const) {
      const answer = await ask(scene.gateway.controlUrl + path, { method });
      assert.deepEqual([method, path, answer.status, answer.code], [method, path, 403, 'FORBIDDEN']);
    }
    for (const path of ['/livez', '/readyz']) assert.equal((await fetch(scene.gateway.controlUrl + path)).status, 200);
    assert.equal((await ask(`${scene.gateway.controlUrl}/`)).status, 426, 'the root tells strangers nothing');
    guest.ws.send('unharmed');
    await scene.backend.calls.first(({ text }) => text === 'unharmed');
  });

  test('a control request that came through a proxy is 403', async (t) => {
    const scene = await sceneOf(t, {});
    const guest = await enter(t, scene, { headers: { 'x-forwarded-for': '198.51.100.7' } });
    for (const headers of [{ 'x-forwarded-for': '127.0.0.1' }, { forwarded: 'for=127.0.0.1' }, { 'X-Forwarded-For': '' }] as Record<
      string,
      string
    >[]) {
      const answer = await ask(guest.command(), { method: 'PUT', body: 'x', headers });
      assert.deepEqual([answer.status, answer.code], [403, 'FORBIDDEN'], JSON.stringify(headers));
    }
    const { remote_address: address } = (await (await fetch(guest.command())).json()) as Record<string, string>;
    assert.equal(address, '127.0.0.1', 'X-Forwarded-For of a stranger is not believed');
    assert.equal(guest.frames.all.length, 0);
  });

  test('TRUST_PROXY: the forwarded address is the client’s, and the one that CONTROL_ALLOW judges', async (t) => {
    const scene = await sceneOf(t, { TRUST_PROXY: '127.0.0.0/8', CONTROL_ALLOW: '10.1.0.0/16,127.0.0.0/8' });
    const path = freshPath();
    const guest = await enter(t, scene, { path, headers: { 'x-forwarded-for': '198.51.100.7' } });
    assert.equal(bodyOf(await openOf(scene, path))['remote_address'], '198.51.100.7');
    const statusFor = async (forwarded: string) => (await ask(guest.command(), { headers: { 'x-forwarded-for': forwarded } })).status;
    assert.equal(await statusFor('10.1.2.3'), 200);
    assert.equal(await statusFor('10.2.2.3'), 403);
    assert.equal(await statusFor('10.1.2.3, 198.51.100.9'), 403, 'what the nearest proxy saw counts, not what the caller claims');
  });

  test('a control request whose forwarded address is no address is 403, not a fault', async (t) => {
    const scene = await sceneOf(t, { TRUST_PROXY: '127.0.0.0/8' });
    const guest = await enter(t, scene);
    for (const forwarded of ['unknown', '_hidden', '999.1.1.1', '[::1]:80', '10.0.0.1:8080', '']) {
      const { status } = await ask(guest.command(), { headers: { 'x-forwarded-for': forwarded } });
      assert.ok(status === 403 || status === 200, `${forwarded}: ${status}`);
      if (!/^10\.|^\[::1|^$/.test(forwarded)) assert.equal(status, 403, forwarded);
    }
  });
});
