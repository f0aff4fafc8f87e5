import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { connect, refusal, tryConnect } from '../support/client.ts';
import { startApp } from '../support/app.ts';
import { bodyOf, enter, freshPath, isEvent, ok, openOf } from '../support/guests.ts';
import { openRaw, upgradeRequest } from '../support/raw-socket.ts';

suite('who is let in, and how the backend is addressed', { concurrency: true }, () => {
  test('REFUSE_WITH=close tells a browser by code 4000 + status, and the backend hears no close', async (t) => {
    const backend = await startBackend(t, (call) => {
      const path = String(bodyOf(call)['path']);
      if (path === '/forbidden') return { body: '{"code":"BANNED"}' };
      return path === '/none' ? { status: 404 } : ok();
    });
    const gateway = await startApp(t, { API_URI: backend.url, REFUSE_WITH: 'close' });
    const codes: number[] = [];
    for (const path of ['/forbidden', '/none']) codes.push((await (await connect(t, gateway.wsUrl + path)).ended).code);
    assert.deepEqual(codes, [4403, 4404]);
    const guest = await enter(t, { gateway, backend });
    guest.ws.close();
    await backend.calls.first(isEvent('close', guest.id));
    assert.equal(backend.calls.all.filter(isEvent('close')).length, 1);
  });

  test('ORIGINS lets in what it lists and those without an Origin, and asks the backend for nobody else', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startApp(t, { API_URI: backend.url, ORIGINS: 'https://app.example.com, *.example.org' });
    const statusOf = async (origin?: string) => {
      const result = await tryConnect(t, gateway.wsUrl + freshPath(), origin === undefined ? {} : { headers: { origin } });
      return 'status' in result ? result.status : 101;
    };
    assert.equal(await statusOf('https://app.example.com'), 101);
    assert.equal(await statusOf('https://chat.example.org'), 101);
    assert.equal(await statusOf(), 101);
    const asked = backend.calls.all.filter(isEvent('open')).length;
    for (const origin of [
      'null',
      'http://app.example.com',
      'https://app.example.com:444',
      'https://evil.com',
      'https://evilexample.org',
      'https://app.example.com.evil.com',
      'https://evil.com/.example.org',
    ]) {
      assert.equal(await statusOf(origin), 403, origin);
    }
    assert.equal(backend.calls.all.filter(isEvent('open')).length, asked);
  });

  test('{id} in API_URI is the id of the connection, in every call; the rest is used as it is', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startApp(t, { API_URI: `127.0.0.1:${backend.port}/c/{id}/x%20y?key={id}&v=1` }); // no scheme: http
    const guest = await enter(t, { gateway, backend });
    guest.ws.send('one');
    guest.ws.close();
    await backend.calls.first(isEvent('close', guest.id));
    assert.deepEqual(
      backend.calls.all.map(({ url }) => url),
      Array.from({ length: 3 }, () => `/c/${guest.id}/x%20y?key=${guest.id}&v=1`),
    );
  });

  test('FORWARD_HEADERS replaces the standard list, whatever the case', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startApp(t, { API_URI: backend.url, FORWARD_HEADERS: 'X-Tenant' });
    const guest = await enter(t, { gateway, backend }, { headers: { 'x-tenant': 't1', cookie: 'a=1', authorization: 'Bearer b' } });
    const { headers } = await backend.calls.first(isEvent('open', guest.id));
    assert.deepEqual([headers['x-tenant'], headers.cookie, headers.authorization], ['t1', undefined, 'Bearer b']);
  });

  test('WS_HOSTNAME is the verbatim prefix of ws_uri, and commands are served under its path too', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startApp(t, { API_URI: backend.url, WS_HOSTNAME: 'https://Push.Example.com:8443/gate/v1' });
    const guest = await enter(t, { gateway, backend });
    const { headers, text } = await backend.calls.first(isEvent('open', guest.id));
    const wsUri = `https://Push.Example.com:8443/gate/v1/${guest.id}`;
    assert.deepEqual([headers['ws-uri'], (JSON.parse(text) as { ws_uri: string }).ws_uri], [wsUri, wsUri]);
    for (const url of [`${gateway.controlUrl}/gate/v1/${guest.id}`, guest.command()]) {
      assert.equal((await fetch(url, { method: 'PUT', body: url })).status, 200);
      await guest.frames.first(({ text: frame }) => frame === url);
    }
    assert.equal(((await (await fetch(guest.command())).json()) as { ws_uri: string }).ws_uri, wsUri);
  });

  test('over MAX_CONNECTIONS it is 503 with Retry-After, over MAX_CONNECTIONS_PER_IP 429, the backend unasked; room comes back', async (t) => {
    const backend = await startBackend(t);
    for (const [option, status] of [
      ['MAX_CONNECTIONS', 503],
      ['MAX_CONNECTIONS_PER_IP', 429],
    ] as const) {
      const gateway = await startApp(t, { API_URI: backend.url, [option]: '2' });
      const first = await enter(t, { gateway, backend });
      await enter(t, { gateway, backend });
      const asked = backend.calls.all.filter(isEvent('open')).length;
      const refused = await refusal(t, `${gateway.wsUrl}/third`);
      assert.equal(refused.status, status);
      if (status === 503) assert.match(String(refused.headers['retry-after']), /^\d+$/);
      assert.equal(backend.calls.all.filter(isEvent('open')).length, asked);
      first.ws.close();
      await first.ended;
      await backend.calls.first(isEvent('close', first.id));
      await connect(t, `${gateway.wsUrl}/third`);
    }
  });

  test('a client that leaves while its open call runs: the call is finished, and one close follows', async (t) => {
    const { promise: accepted, resolve: accept } = Promise.withResolvers<void>();
    const backend = await startBackend(t, async (call) => {
      if (isEvent('open')(call)) await accepted;
      return ok();
    });
    const gateway = await startApp(t, { API_URI: backend.url });
    const leaver = await openRaw(t, gateway.wsUrl);
    leaver.write(upgradeRequest({ path: '/leaver' }));
    const open = await openOf({ gateway, backend }, '/leaver');
    leaver.socket.destroy();
    await leaver.ended;
    accept();
    const id = String(open.headers['ws-connection']);
    const close = await backend.calls.first(isEvent('close', id));
    assert.equal(close.headers['ws-close-code'], '1006');
    assert.equal(backend.calls.all.filter(isEvent('close', id)).length, 1);
    assert.equal((await fetch(`${gateway.controlUrl}/${id}`)).status, 404);
  });
});
