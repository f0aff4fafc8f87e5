import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { array, assert as assertProperty, asyncProperty, constantFrom, oneof, record, string as fcString, uint8Array } from 'fast-check';
import type { Command } from '../../../src/core/commands.ts';
import { connectionId } from '../../../src/core/ids.ts';
import { shortenPlainPushes } from '../../../src/edge/control/plain-push.ts';
import { HttpSockets } from '../../../src/edge/server/http-sockets.ts';
import { GatewayError } from '../../../src/wire/errors.ts';
import { startApp } from '../../support/app.ts';
import { startBackend } from '../../support/backend.ts';
import { connect, type Client } from '../../support/client.ts';
import { isEvent } from '../../support/guests.ts';
import { exchange } from '../../support/raw-socket.ts';
import { routesFile } from '../../support/routes-file.ts';

type Push = { readonly method: string; readonly path: string; readonly headers: readonly string[]; readonly body: Buffer };
type Answer = { readonly status: number; readonly headers: readonly string[]; readonly body: string };

/** Sends just these headers, and none of the HTTP client's own. */
async function send(origin: string, { method, path, headers, body }: Push): Promise<Answer> {
  const { hostname, port } = new URL(origin);
  const asking = request({ hostname, port, method, path, headers: [...headers], agent: false });
  asking.end(body);
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  const rest = answer.rawHeaders.flatMap((name, index) =>
    index % 2 === 0 && name !== 'Date' ? [`${name.toLowerCase()}: ${answer.rawHeaders[index + 1]}`] : [],
  );
  return { status: answer.statusCode ?? 0, headers: rest.toSorted(), body: text };
}

const ID = connectionId('abcdef');
const PLAIN: Push = {
  method: 'PUT',
  path: `/${ID}`,
  headers: ['Host', 'localhost', 'Content-Type', 'text/plain', 'Content-Length', '2'],
  body: Buffer.from('hi'),
};
const withHeaders = (...more: string[]): Push => ({ ...PLAIN, headers: [...PLAIN.headers, ...more] });

/** A server whose own way answers 299, in front of which the short way is put. */
async function serverBehind(t: TestContext, isAllowed = true) {
  const dispatched: Command[] = [];
  const server = createServer((asked, response) => void asked.resume().on('end', () => response.writeHead(299).end()));
  const connection = { id: ID, key: ID, state: 'open' };
  const sockets = new HttpSockets(() => 10);
  shortenPlainPushes(server, {
    find: (id) => (id === ID ? (connection as never) : undefined),
    dispatch: ((command: Command) => (dispatched.push(command), { type: 'sent' })) as never,
    prefixes: ['/', '/under/'],
    maxBodyBytes: () => 100,
    guard: () => (isAllowed ? null : new GatewayError('FORBIDDEN', 'no')),
    httpSockets: sockets,
    release: null,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, dispatched };
}

test('a plain push goes the short way', async (t) => {
  const { origin, dispatched } = await serverBehind(t);
  const usual = [
    'User-Agent',
    'a',
    'Accept',
    '*/*',
    'Accept-Encoding',
    'gzip',
    'Accept-Language',
    '*',
    'Sec-Fetch-Mode',
    'cors',
    'Authorization',
    'Bearer x',
    'Connection',
    'keep-alive',
  ];
  for (const push of [PLAIN, { ...PLAIN, path: `/under/${ID}` }, withHeaders(...usual)])
    assert.equal((await send(origin, push)).status, 200);
  assert.deepEqual(
    dispatched.map((command) => command.type === 'push' && [command.id, command.message.data.toString(), command.message.isBinary]),
    Array.from({ length: 3 }, () => [ID, 'hi', false]),
  );
});

test('whatever is not plain goes the way of the route', async (t) => {
  const { origin, dispatched } = await serverBehind(t);
  const others: readonly Push[] = [
    { ...PLAIN, method: 'POST' },
    { ...PLAIN, path: `/${ID}?a=b` },
    { ...PLAIN, path: `//${ID}` },
    { ...PLAIN, path: `/${ID}/` },
    { ...PLAIN, path: `/other/${ID}` },
    { ...PLAIN, path: `/${ID.slice(0, -1)}` },
    {
      ...PLAIN,
      path: `/${encodeURIComponent(ID[0] ?? '').replace(/^./, (first) => `%${first.charCodeAt(0).toString(16)}`)}${ID.slice(1)}`,
    },
    { ...PLAIN, path: `http://localhost/${ID}` },
    { ...PLAIN, headers: ['Host', 'localhost', 'Transfer-Encoding', 'chunked'] },
    { ...PLAIN, headers: ['Host', 'localhost', 'Content-Length', '0'], body: Buffer.alloc(0) },
    { ...PLAIN, headers: ['Host', 'localhost', 'Content-Length', '101'], body: Buffer.alloc(101) },
    { ...PLAIN, headers: ['Host', 'localhost', 'Content-Length', '2', 'Content-Type', 'application/octet-stream x'] },
    ...['Idempotency-Key', 'Origin', 'Sec-Fetch-Site', 'X-Forwarded-For', 'Forwarded', 'Content-Encoding', 'X-Anything'].map((name) =>
      withHeaders(name, 'a'),
    ),
    withHeaders('Host', 'localhost'),
    withHeaders('Content-Type', 'text/plain'),
    withHeaders('Authorization', 'Bearer a', 'Authorization', 'Bearer b'),
    withHeaders('Connection', 'close, x'),
  ];
  for (const push of others) assert.equal((await send(origin, push)).status, 299, JSON.stringify(push));
  assert.deepEqual(dispatched, []);
});

test('whom the guard does not let in gets the answer of the route', async (t) => {
  const { origin, dispatched } = await serverBehind(t, false);
  assert.equal((await send(origin, PLAIN)).status, 299);
  assert.deepEqual(dispatched, []);
});

const SMALL = 40;
const anyHeader = constantFrom<readonly string[]>(
  [],
  ['Content-Type', 'application/octet-stream'],
  ['Content-Type', 'APPLICATION/octet-stream;x=1'],
  ['Content-Type', 'application/json'],
  ['Content-Type', 'nonsense'],
  ['Content-Type', ''],
  ['Authorization', 'Bearer secret'],
  ['Authorization', 'Bearer wrong'],
  ['Authorization', 'Basic c2VjcmV0'],
  ['User-Agent', 'x'],
  ['Accept', 'text/html'],
  ['Sec-Fetch-Mode', 'navigate'],
  ['Sec-Fetch-Site', 'cross-site'],
  ['Origin', 'https://elsewhere.example'],
  ['X-Forwarded-For', '8.8.8.8'],
  ['Content-Encoding', 'gzip'],
  ['Connection', 'close'],
  ['Connection', 'keep-alive'],
  ['Expect', '100-continue'],
  ['Accept-Encoding', 'identity'],
);
const anyPush = record({
  method: constantFrom('PUT', 'PUT', 'PUT', 'PUT', 'POST', 'PATCH'),
  path: constantFrom('/ID', '/ID', '/ID', '/at/ID', '/ID?a=1', '/ID/', '//ID', '/LONG', '/gone'),
  host: constantFrom('localhost', '127.0.0.1:80', 'stranger.example', 'not a host', 'a_b.local'),
  headers: array(anyHeader, { maxLength: 3 }),
  body: oneof(
    constantFrom(45, 58).map((length) => Buffer.alloc(length, 'x')),
    fcString({ maxLength: 60, unit: 'grapheme' }).map((text) => Buffer.from(text)),
    uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  ),
});

for (const CONTROL_TOKEN of ['', 'secret,other']) {
  test(`both ways give the same answers and frames, with${CONTROL_TOKEN === '' ? 'out' : ''} a token`, { timeout: 60_000 }, async (t) => {
    const backend = await startBackend(t);
    const file = await routesFile(
      t,
      `routes:\n  - { path: /a, backend: "${backend.url}", maxMessageBytes: ${SMALL} }\n  - { path: /b, backend: "${backend.url}" }\n`,
    );
    const gateway = await startApp(t, {
      ROUTES_FILE: file.path,
      WS_HOSTNAME: 'http://localhost/at',
      MAX_MESSAGE_BYTES: '55',
      CONTROL_TOKEN,
    });
    const clients: readonly Client[] = [await connect(t, `${gateway.wsUrl}/a`), await connect(t, `${gateway.wsUrl}/b`)];
    const ids = (await backend.calls.atLeast(2, isEvent('open'))).map(({ headers }) => String(headers['ws-connection']));
    const statuses = new Set<number>();
    await assertProperty(
      asyncProperty(anyPush, async ({ method, path, host, headers, body }) => {
        const all = ['Host', host, 'Content-Length', String(body.length), ...headers.flat()];
        const push = { method, path: path.replace('ID', ids[0] ?? '').replace('LONG', ids[1] ?? ''), headers: all, body };
        const before = clients.map(({ frames }) => frames.all.length);
        const short = await send(gateway.controlUrl, push);
        const long = await send(gateway.controlUrl, { ...push, headers: [...all, 'X-Not-Plain', '1'] });
        assert.deepEqual(short, long);
        statuses.add(short.status);
        if (short.status !== 200) return;
        const at = path === '/LONG' ? 1 : 0;
        const [one, two] = (await (clients[at] as Client).frames.atLeast((before[at] ?? 0) + 2)).slice(-2);
        assert.deepEqual([one?.data, one?.isBinary], [body, two?.isBinary]);
        assert.deepEqual(two?.data, body);
      }),
      { numRuns: 400, seed: 1, endOnFailure: true },
    );
    for (const status of CONTROL_TOKEN === '' ? [200, 400, 403, 404, 405, 413, 415] : [200, 400, 401, 403])
      assert.ok(statuses.has(status), `${status} was not met`);
  });
}

test('a push whose body does not come is ended in time, by both ways alike', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startApp(t, { API_URI: backend.url, HANDSHAKE_TIMEOUT_MS: '200' });
  await connect(t, gateway.wsUrl);
  const [open] = await backend.calls.atLeast(1, isEvent('open'));
  const half = (more: string): string =>
    `PUT /${String(open?.headers['ws-connection'])} HTTP/1.1\r\nHost: localhost\r\n${more}Content-Length: 10\r\n\r\nhalf`;
  const [short, long] = await Promise.all(['', 'X-Not-Plain: 1\r\n'].map((more) => exchange(t, gateway.publicUrl, half(more))));
  assert.deepEqual([short?.status, (JSON.parse(short?.body ?? '') as { code: string }).code], [408, 'REQUEST_TIMEOUT']);
  assert.deepEqual(short, long);
});
