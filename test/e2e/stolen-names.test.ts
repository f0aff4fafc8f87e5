import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ask } from '../support/ask.ts';
import { startBackend } from '../support/backend.ts';
import { connect } from '../support/client.ts';
import { startServing } from '../support/app.ts';
import { bodyOf, enter, isEvent, ok } from '../support/guests.ts';
import { routesFile } from '../support/routes-file.ts';

/** What every object has without being asked, and what of them could be overwritten through it. */
const NAMES = ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', 'valueOf', '__defineGetter__', 'isPrototypeOf'];
const VALUES = ['assign', 'polluted', '__proto__', 'constructor', 'name', 'keys'];

for (const workers of ['1', '2']) {
  suite(`names that objects have by nature are names like any other, with ${workers} workers`, { concurrency: 2 }, () => {
    test('as keys of tags, from the backend, by settags, in selectors, in the tree and in the status', async (t) => {
      const tags = `{${NAMES.map((name) => `"${name}":"given"`).join(',')}}`; // JSON.stringify would lose __proto__
      let opens = 0;
      const backend = await startBackend(t, (call) =>
        isEvent('open')(call) && (opens += 1) === 1 ? { body: `{"code":"OK","tags":${tags}}` } : ok(),
      );
      const gateway = await startServing(t, { API_URI: backend.url, WORKERS: workers });
      const guest = await enter(t, { gateway, backend });
      for (const name of NAMES) {
        const json = { accept: 'application/json' };
        for (const value of VALUES) {
          assert.equal((await ask(`${gateway.controlUrl}/settags?id=${guest.id}`, { method: 'POST', body: `${name}=${value}` })).body, '1');
          assert.equal((await ask(`${gateway.controlUrl}/count?${name}=${value}`)).body, '1', `${name}=${value}`);
          const tree = await ask(`${gateway.controlUrl}/tree`, { headers: json });
          assert.equal(tree.status, 200, tree.body);
          assert.ok(tree.body.includes(`"${name}":{"${value}":1}`), tree.body);
        }
        const status = await ask(`${gateway.controlUrl}/status`, { headers: json });
        assert.ok(status.body.includes(`"${name}":"${VALUES.at(-1)}"`), status.body);
        await connect(t, gateway.wsUrl); // the program still works as its authors wrote it
      }
      guest.ws.send('tagged');
      const message = await backend.calls.first(({ text }) => text === 'tagged');
      assert.equal([...new URLSearchParams(String(message.headers['ws-tags']))].length, NAMES.length);
    });

    test('as query names, path parameters, header names, ids, JSON keys and header names of answers', async (t) => {
      const headers = Object.fromEntries(NAMES.map((name) => [name === '__proto__' ? 'x-y' : `x-${name}`, 'v']));
      const backend = await startBackend(t, (_call, response) => {
        const body = '{"code":"OK","__proto__":{"data":"stolen"},"constructor":{"x":"y"}}';
        const lines = NAMES.map((name) => `${name}: a\r\n${name}: b\r\n`).join('');
        response.socket?.write(`HTTP/1.1 200 OK\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`);
        return 'taken';
      });
      const { path } = await routesFile(
        t,
        `routes:
  - path: "/raw/:id"
    dialect: raw
    backend: "${backend.url}"
  - path: "/ocpp/:id"
    dialect: ocpp
    backend: "${backend.url}"
  - path: "/:constructor/:toString"
    backend: "${backend.url}"
    backendHeaders: { __proto__: evil, constructor: x }
    tags: { __proto__: "a", constructor: ":constructor", toString: ":toString", hasOwnProperty: "b" }
`,
      );
      const gateway = await startServing(t, { ROUTES_FILE: path, WORKERS: workers });
      const query = NAMES.map((name) => `${name}=1&${name}=2`).join('&');
      await connect(t, `${gateway.wsUrl}/__proto__/constructor?${query}`, { headers });
      const open = await backend.calls.first(isEvent('open'));
      const told = open.text;
      for (const name of NAMES) assert.ok(told.includes(`"${name}":["1","2"]`), told);
      assert.equal(bodyOf(open)['path'], '/__proto__/constructor');
      assert.equal((await ask(`${gateway.controlUrl}/count?constructor=__proto__&toString=constructor`)).body, '1');
      for (const name of NAMES) {
        for (const method of ['PUT', 'GET', 'DELETE', 'POST']) {
          const { status } = await ask(`${gateway.controlUrl}/${name}`, { method });
          assert.equal(status, 404, `${method} /${name}`);
        }
        const { status } = await ask(`${gateway.controlUrl}/call/${name}/${name}/${name}`, { method: 'POST', body: '{}' });
        assert.equal(status, 404, `call of ${name}`);
      }
    });
  });
}
