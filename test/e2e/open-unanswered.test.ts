import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { suite, test, type TestContext } from 'node:test';
import { ask } from '../support/ask.ts';
import { startBackend, type Answer, type Backend } from '../support/backend.ts';
import { tryConnect } from '../support/client.ts';
import { startApp } from '../support/app.ts';
import type { Gateway } from '../support/gateway.ts';
import { isEvent } from '../support/guests.ts';
import { routesFile } from '../support/routes-file.ts';

type Scene = { readonly gateway: Gateway; readonly backend: Backend };

/** How a backend can leave an open call without a whole answer, though it may have accepted. */
const BROKEN: Readonly<Record<string, (response: ServerResponse) => Answer>> = {
  'says nothing': () => 'taken',
  'says OK too late': (response) => {
    setTimeout(() => response.end('{"code":"OK"}'), 900);
    return 'taken';
  },
  'resets the connection': (response) => {
    response.socket?.resetAndDestroy();
    return 'taken';
  },
  'breaks off in its head': (response) => {
    response.socket?.end('HTTP/1.1 200 OK\r\nContent-Le');
    return 'taken';
  },
  'breaks off in its body': (response) => {
    response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"code":"OK"');
    return 'taken';
  },
  'breaks off in a chunk': (response) => {
    response.socket?.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"code":"OK"');
    return 'taken';
  },
  'answers without an end': (response) => {
    response.writeHead(200);
    const more = setInterval(() => response.destroyed || response.write('x'.repeat(200_000)), 5).unref();
    response.on('close', () => clearInterval(more));
    return 'taken';
  },
};

/** Whole answers that do not accept, whatever they say. */
const NO: Readonly<Record<string, Answer>> = {
  'a page': { body: '<html>' },
  'an error': { status: 500, body: '{"code":"OK"}' },
  'a redirect': { status: 302, headers: { location: '/x' } },
  'another code': { body: '{"code":"NO"}' },
  'a 403': { status: 403 },
  'a 503': { status: 503 },
};

async function scene(t: TestContext): Promise<Scene> {
  const backend = await startBackend(t);
  const { path } = await routesFile(
    t,
    `routes:
  - { path: "/raw/:id", dialect: raw, backend: "${backend.url}" }
  - { path: "/ocpp/:id", dialect: ocpp, backend: "${backend.url}" }
  - { path: "/*", backend: "${backend.url}" }
`,
  );
  return { backend, gateway: await startApp(t, { ROUTES_FILE: path, OPEN_TIMEOUT_MS: '500', MAX_MESSAGE_BYTES: '1000' }) };
}

const CLIENTS: Readonly<Record<string, readonly [path: string, subprotocols: readonly string[]]>> = {
  wsaas: ['/chat', []],
  raw: ['/raw/device', []],
  ocpp: ['/ocpp/CP1', ['ocpp1.6']],
};

suite('an open call without a whole answer', { concurrency: 3 }, () => {
  for (const [dialect, [path, subprotocols]] of Object.entries(CLIENTS)) {
    test(`may have been accepted: the client is refused, and one close follows (${dialect})`, async (t) => {
      const { gateway, backend } = await scene(t);
      for (const [what, breaks] of Object.entries(BROKEN)) {
        const closes = backend.calls.all.filter(isEvent('close')).length;
        backend.answer = (call, response) => (isEvent('open')(call) ? breaks(response) : { status: 200 });
        const result = await tryConnect(t, gateway.wsUrl + path, { subprotocols: [...subprotocols] });
        assert.ok('status' in result && (result.status === 502 || result.status === 504), `${what}: ${JSON.stringify(result)}`);
        const told = await backend.calls.atLeast(closes + 1, isEvent('close'));
        const headers: Record<string, unknown> = told.at(-1)?.headers ?? {};
        assert.deepEqual(
          [headers['ws-close-code'], decodeURIComponent(String(headers['ws-close-reason']))],
          ['1006', 'open unanswered'],
          what,
        );
        const open = backend.calls.all.findLast(isEvent('open'));
        assert.equal(String(headers['ws-event-id']).split('.')[0], String(open?.headers['ws-event-id']).split('.')[0], what);
        const id = decodeURIComponent(String(open?.headers['ws-connection']));
        const line = await gateway.log
          .atLeast(closes + 1, ({ msg }) => msg.startsWith('a client could not be let in'))
          .then((all) => all.at(-1));
        assert.ok(line?.['because'] && line['id'] === id && line['backend'] && line['path'] === path, `${what}: ${JSON.stringify(line)}`);
      }
      assert.equal(backend.calls.all.filter(isEvent('close')).length, Object.keys(BROKEN).length);
    });
  }

  test('a whole answer that does not accept is followed by none, nor is a call that was not sent; each is logged, and counted with its reason', async (t) => {
    const { gateway, backend } = await scene(t);
    for (const [what, answer] of Object.entries(NO)) {
      backend.answer = () => answer;
      const result = await tryConnect(t, `${gateway.wsUrl}/chat`);
      assert.ok('status' in result, what);
    }
    await backend.kill();
    const refused = await tryConnect(t, `${gateway.wsUrl}/chat`);
    assert.ok('status' in refused && refused.status === 502 && refused.headers['retry-after'] === '1', JSON.stringify(refused));
    await gateway.log.first((line) => String(line['because']).includes('ECONNREFUSED'));
    await backend.revive();
    backend.answer = () => ({ body: '{"code":"OK"}' });
    const client = await tryConnect(t, `${gateway.wsUrl}/chat`);
    assert.ok('ws' in client);
    client.ws.close();
    await backend.calls.first(isEvent('close'));
    assert.equal(backend.calls.all.filter(isEvent('close')).length, 1);
    const { body: metrics } = await ask(`${gateway.controlUrl}/metrics`);
    for (const [reason, count] of [
      ['bad-answer', 4],
      ['unreachable', 1],
      ['refused', 2],
    ] as const)
      assert.ok(
        metrics.includes(`wsaas_opens_refused_total{reason="${reason}"} ${count}\n`),
        metrics
          .split('\n')
          .filter((one) => one.includes('refused'))
          .join('\n'),
      );
  });

  test('a hundred failures a second are a few lines', async (t) => {
    const { gateway, backend } = await scene(t);
    backend.answer = () => ({ status: 500 });
    await Promise.all(Array.from({ length: 100 }, () => tryConnect(t, `${gateway.wsUrl}/chat`)));
    const lines = gateway.log.all.filter(({ msg }) => msg.startsWith('a client could not be let in'));
    assert.ok(lines.length >= 5 && lines.length < 60, `${lines.length} lines`);
  });
});

suite('a backend that is down', { concurrency: 2 }, () => {
  test('503 to every close holds up no new client and no message', async (t) => {
    const { gateway, backend } = await scene(t);
    backend.answer = (call) => (isEvent('close')(call) ? { status: 503 } : { body: '{"code":"OK"}' });
    for (let round = 0; round < 3; round += 1) {
      const clients = await Promise.all(Array.from({ length: 10 }, () => tryConnect(t, `${gateway.wsUrl}/chat`)));
      for (const client of clients) if ('ws' in client) client.ws.close();
    }
    await backend.calls.atLeast(40, isEvent('close'));
    const start = performance.now();
    const client = await tryConnect(t, `${gateway.wsUrl}/chat`);
    assert.ok('ws' in client);
    client.ws.send('through');
    await backend.calls.first(({ text }) => text === 'through');
    assert.ok(performance.now() - start < 500);
  });

  test('a new client is refused within a second, with Retry-After', async (t) => {
    const { gateway, backend } = await scene(t);
    await backend.kill();
    for (let round = 0; round < 30; round += 1) {
      const start = performance.now();
      const result = await tryConnect(t, `${gateway.wsUrl}/chat`);
      assert.ok('status' in result && (result.status === 502 || result.status === 503), JSON.stringify(result));
      assert.equal(result.headers['retry-after'], '1');
      assert.ok(performance.now() - start < 1_000);
    }
    await backend.revive();
    let isIn = false;
    for (let round = 0; round < 100 && !isIn; round += 1) isIn = 'ws' in (await tryConnect(t, `${gateway.wsUrl}/chat`));
    assert.ok(isIn, 'and it comes in once the backend is back');
  });
});

const RETRY_AFTER = [
  '0',
  '-5',
  '0.001',
  'Sun, 06 Nov 1994 08:49:37 GMT',
  'soon',
  '99999',
  '99999999999999999999',
  'Fri, 31 Dec 9999 23:59:59 GMT',
  '',
];

test('Retry-After makes the wait longer, never shorter, and never longer than the time that is left', async (t) => {
  // a backend for each, else five failures in a row would be those of one that is down
  const backends = await Promise.all(
    RETRY_AFTER.map((value) =>
      startBackend(t, (call) =>
        isEvent('message')(call) ? { status: 503, headers: { 'retry-after': value } } : { body: '{"code":"OK"}' },
      ),
    ),
  );
  const routes = backends.map(({ url }, index) => `  - { path: "/${index}", backend: "${url}" }\n`);
  const { path } = await routesFile(t, `routes:\n${routes.join('')}`);
  const gateway = await startApp(t, { ROUTES_FILE: path, BACKEND_RETRY_FOR_MS: '1500' });
  await Promise.all(
    backends.map(async ({ calls }, index) => {
      const value = RETRY_AFTER[index];
      const client = await tryConnect(t, `${gateway.wsUrl}/${index}`);
      assert.ok('ws' in client);
      const start = performance.now();
      client.ws.send('held');
      const { code } = await client.ended;
      const tries = calls.all.filter(({ text }) => text === 'held').length;
      assert.equal(code, 1011);
      assert.ok(performance.now() - start >= 1_400, `${value}: given up after ${performance.now() - start} ms`);
      assert.ok(tries >= 2 && tries <= 12, `${value}: ${tries} tries`);
    }),
  );
});
