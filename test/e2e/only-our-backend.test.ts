import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startApp } from '../support/app.ts';
import { startBackend } from '../support/backend.ts';
import { tryConnect } from '../support/client.ts';
import { isEvent, ok } from '../support/guests.ts';
import { openRaw, upgradeRequest } from '../support/raw-socket.ts';
import { routesFile } from '../support/routes-file.ts';

suite('the gateway asks nobody but its backends', { concurrency: true }, () => {
  for (const status of [301, 303, 308]) {
    test(`no redirect is followed: ${status} to open refuses, to a message and to a close it is an answer like any other`, async (t) => {
      const other = await startBackend(t);
      const redirect = { status, headers: { location: other.url }, body: '{"code":"OK"}' };
      const backend = await startBackend(t, (call) => (call.text.includes('"/refused"') ? redirect : ok()));
      const gateway = await startApp(t, { API_URI: backend.url });
      const refused = await tryConnect(t, `${gateway.wsUrl}/refused`);
      assert.equal('status' in refused && refused.status, 502);
      const client = await tryConnect(t, gateway.wsUrl);
      assert.ok('ws' in client);
      backend.answer = () => redirect;
      client.ws.send('one');
      client.ws.send('two');
      await backend.calls.atLeast(2, isEvent('message'));
      client.ws.close();
      await backend.calls.atLeast(2, isEvent('close')); // told again: it was not acknowledged
      assert.deepEqual(other.calls.all, []);
    });
  }

  test('no URL comes from what a client sends: path, id, query, Host, headers, subprotocol, message', async (t) => {
    const other = await startBackend(t);
    const backend = await startBackend(t, (call) => (call.method === 'GET' ? { body: 'ok' } : ok()));
    const { path } = await routesFile(
      t,
      `routes:
  - { path: "/raw/:id", dialect: raw, backend: "${backend.url}" }
  - { path: "/ocpp/:id", dialect: ocpp, backend: "${backend.url}" }
  - { path: "/*", backend: "${backend.url}/{id}" }
`,
    );
    const gateway = await startApp(t, { ROUTES_FILE: path, FORWARD_HEADERS: 'x-url,cookie,origin' });
    const evil = new URL(other.url).host;
    const names = [
      `http://${evil}/x`,
      `//${evil}/x`,
      `\\\\${evil}\\x`,
      `..`,
      `../../${evil}`,
      `@${evil}`,
      `x@${evil}`,
      `?u=http://${evil}`,
      `#`,
      `%2f%2f${evil}`,
      `{id}`,
      `x\r\nHost: ${evil}`,
    ];
    const headers = {
      'x-url': other.url,
      'x-forwarded-host': evil,
      forwarded: `host=${evil}`,
      'x-original-url': other.url,
      referer: other.url,
    };
    for (const name of names) {
      const id = encodeURIComponent(name);
      for (const [at, subprotocols] of [
        [`/raw/${id}`, []],
        [`/ocpp/${id}`, ['ocpp2.1']],
        [`/${id}?u=${id}&u=${encodeURIComponent(other.url)}`, []],
      ] as const) {
        const client = await tryConnect(t, gateway.wsUrl + at, { headers, subprotocols: [...subprotocols] }).catch(() => null); // an odd id may lead to the last route
        if (client === null || !('ws' in client)) continue;
        client.ws.send(JSON.stringify([2, name, `http://${evil}/`, { url: other.url }]));
        client.ws.send(other.url);
        client.ws.close(4000, other.url);
        await client.ended;
      }
    }
    for (const target of [`http://${evil}/chat`, `//${evil}/chat`, `/chat`]) {
      const raw = await openRaw(t, gateway.publicUrl);
      raw.write(upgradeRequest({ path: target, headers: { Host: evil, 'X-Forwarded-Host': evil } }));
      await raw.answer;
    }
    await backend.calls.atLeast(30);
    const { pathname, host } = new URL(backend.url);
    for (const { url, headers: sent } of backend.calls.all) {
      assert.equal(sent.host, host);
      assert.ok(url.startsWith(`${pathname}/`), url);
      assert.ok(!url.slice(pathname.length).includes('//') && !/[\\@#\s]|\.\.\//.test(url), url);
    }
    assert.deepEqual(other.calls.all, []);
  });
});
