import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { startGateway } from '../support/gateway.ts';
import { bodyOf, isEvent, wholeFile } from '../support/guests.ts';
import { exchange, openRaw, upgradeRequest } from '../support/raw-socket.ts';
import { routesFile } from '../support/routes-file.ts';

const backend = await startBackend(wholeFile);
const { path: file } = await routesFile(wholeFile, `routes:\n  - { path: "/admin/:x", backend: "${backend.url}" }\n`);
const gateway = await startGateway(wholeFile, { ROUTES_FILE: file });

const opens = () => backend.calls.all.filter(isEvent('open'));

for (const [target, path, query] of [
  ['http://evil.example/admin/a?k=v', '/admin/a', { k: 'v' }],
  ['ws://gateway/admin/b', '/admin/b', {}],
  ['WSS://gateway:443/admin/c?x=1&x=2', '/admin/c', { x: ['1', '2'] }],
  ['/admin/d?http://x/', '/admin/d', { 'http://x/': '' }],
] as const) {
  test(`the backend is told ${path} of the target ${target}`, async (t) => {
    const raw = await openRaw(t, gateway.publicUrl);
    raw.write(upgradeRequest({ path: target }));
    assert.equal((await raw.answer).status, 101);
    const call = opens().at(-1);
    assert.ok(call !== undefined);
    const body = bodyOf(call);
    assert.deepEqual([body['path'], body['query']], [path, query]);
  });
}

for (const [what, extra] of [
  ['upgrade', 'Connection: upgrade\r\n'],
  ['UPGRADE', 'Connection: UPGRADE\r\n'],
  ['other options beside it', 'Connection: keep-alive, , Upgrade ,TE\r\n'],
  ['two lines', 'Connection: keep-alive\r\nConnection: Upgrade\r\n'],
  ['what a proxy adds', 'Connection: Upgrade\r\nProxy-Connection: keep-alive\r\n'],
] as const) {
  test(`a Connection that names the upgrade is enough: ${what}`, async (t) => {
    const raw = await openRaw(t, gateway.publicUrl);
    raw.write(upgradeRequest({ path: '/admin/e', headers: { Connection: null }, extra }));
    assert.equal((await raw.answer).status, 101);
  });
}

const push = (head: string) => `PUT /nobody HTTP/1.1\r\n${head}Content-Length: 1\r\n\r\nx`;

for (const [what, bytes, status] of [
  ['an upgrade with a fragment', upgradeRequest({ path: '/admin/a#b' }), 400],
  ['an upgrade to a whole URL with a fragment', upgradeRequest({ path: 'http://gateway/admin/a#b' }), 400],
  ['an upgrade to a whole URL with a user', upgradeRequest({ path: 'http://me@gateway/admin/a' }), 400],
  ['an upgrade to a whole URL without a host', upgradeRequest({ path: 'http:///admin/a' }), 400],
  ['an upgrade to *', upgradeRequest({ path: '*' }), 400],
  ...[
    'ftp://x/admin/a',
    'file:///admin/a',
    'wsx://gateway/admin/a',
    'httpss://gateway/admin/a',
    'https:',
    'mailto:a@gateway',
    'h2://x',
  ].map((path) => [`an upgrade to ${path}`, upgradeRequest({ path }), 400] as const),
  ['a request to *', 'GET * HTTP/1.1\r\nHost: gateway\r\n\r\n', 400],
  ['a request to another scheme', 'GET ftp://gateway/livez HTTP/1.1\r\nHost: gateway\r\n\r\n', 400],
  ['a push to another scheme', 'PUT gopher://gateway/nobody HTTP/1.1\r\nHost: gateway\r\nContent-Length: 0\r\n\r\n', 400],
  ...[
    { Connection: 'Upgraded' },
    { Connection: 'Upgraded', 'Proxy-Connection': 'Upgrade' },
    { Connection: null, 'Proxy-Connection': 'Upgrade' },
    { Connection: 'keep-alive', 'Proxy-Connection': 'keep-alive, upgrade' },
    { Connection: 'Up grade', 'Proxy-Connection': 'Upgrade' },
    { Connection: '"Upgrade"', 'Proxy-Connection': 'Upgrade' },
    { Connection: 'Upgrade;x', 'Proxy-Connection': 'Upgrade' },
    { Connection: '\xa0Upgrade', 'Proxy-Connection': 'Upgrade' },
    { Upgrade: '\xa0websocket' },
    { Upgrade: 'websockets' },
    { Upgrade: null, 'Proxy-Upgrade': 'websocket' },
  ].map(
    (headers) =>
      [`an upgrade with ${JSON.stringify(headers)}`, Buffer.from(upgradeRequest({ path: '/admin/a', headers }), 'latin1'), 426] as const,
  ),
  [
    'a subprotocol behind a no-break space',
    Buffer.from(upgradeRequest({ path: '/admin/a', extra: 'Sec-WebSocket-Protocol: \xa0a\r\n' }), 'latin1'),
    400,
  ],
  ['an upgrade with a body', `${upgradeRequest({ path: '/admin/a', extra: 'Content-Length: 4\r\n' })}body`, 400],
  [
    'an upgrade with an empty chunked body',
    `${upgradeRequest({ path: '/admin/a', extra: 'Transfer-Encoding: chunked\r\n' })}0\r\n\r\n`,
    400,
  ],
  ['two equal Hosts', push('Host: gateway\r\nHost: gateway\r\n'), 400],
  ['two Hosts', push('Host: gateway\r\nhost: evil.example\r\n'), 400],
  ['no Host', push(''), 400],
  ['an empty Host', push('Host:\r\n'), 400],
  ['a Host with a user', push('Host: me@gateway\r\n'), 400],
  ['a Host with a path', push('Host: gateway/x\r\n'), 400],
  ['a Host with a space', push('Host: gate way\r\n'), 400],
  ['a list as Host', push('Host: a, b\r\n'), 400],
  ['HTTP/2.0', 'GET /livez HTTP/2.0\r\nHost: gateway\r\n\r\n', 505],
  ['Transfer-Encoding: gzip, chunked', 'PUT /nobody HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501],
  ['a push to a fragment', 'PUT /nobody#x HTTP/1.1\r\nHost: gateway\r\nContent-Length: 0\r\n\r\n', 400],
] as const) {
  test(`${what} is ${status}, and the backend is not asked`, async (t) => {
    const before = opens().length;
    const answer = await exchange(t, gateway.publicUrl, bytes);
    assert.equal(answer.status, status, answer.body);
    assert.deepEqual(Object.keys(JSON.parse(answer.body) as object), ['code', 'message']);
    assert.equal(opens().length, before);
  });
}

test('the host of a whole URL counts as much as the Host header', async (t) => {
  const statusOf = async (target: string, host: string) =>
    (await exchange(t, gateway.publicUrl, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).status;
  assert.equal(await statusOf('http://127.0.0.1/count?all=true', '127.0.0.1'), 200);
  assert.equal(await statusOf('http://evil.example/count?all=true', '127.0.0.1'), 403);
  assert.equal(await statusOf('http://127.0.0.1/count?all=true', 'evil.example'), 403);
});

test('a header behind thousands of others is seen', async (t) => {
  const many = Array.from({ length: 3_000 }, () => 'a:\r\n').join('');
  const ask = (last: string) => exchange(t, gateway.publicUrl, `GET /count?all=true HTTP/1.1\r\nHost: 127.0.0.1\r\n${many}${last}\r\n`);
  assert.equal((await ask('')).status, 200);
  assert.equal((await ask('X-Forwarded-For: 198.51.100.7\r\n')).status, 403);
  assert.equal((await ask('Origin: https://evil.example\r\n')).status, 403);
  assert.equal((await ask('Host: evil.example\r\n')).status, 400);
});

test('bytes that break the body of a push are its own mistake: 400, and nothing is sent', async (t) => {
  const answer = await exchange(t, gateway.publicUrl, 'PUT /nobody HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n');
  assert.equal(answer.status, 400);
});
