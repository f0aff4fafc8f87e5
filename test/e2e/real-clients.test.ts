import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { connect } from '../support/client.ts';
import { startApp } from '../support/app.ts';
import { bodyOf, freshPath, ok, openOf, wholeFile } from '../support/guests.ts';
import { frame, openRaw, TEXT, upgradeRequest } from '../support/raw-socket.ts';
import { routesFile } from '../support/routes-file.ts';

/** Takes the first subprotocol that it is told of, and refuses who asks for it. */
const backend = await startBackend(wholeFile, (call) => {
  if (call.headers['ws-event'] !== 'open') return ok();
  const { path, subprotocols } = bodyOf(call) as { path: string; subprotocols: string[] };
  if (path.startsWith('/refused')) return { body: '{"code":"BANNED"}' };
  return ok(subprotocols[0] === undefined ? {} : { subprotocol: subprotocols[0] });
});
const plain = await startApp(wholeFile, { API_URI: backend.url });
const deflating = await startApp(wholeFile, { API_URI: backend.url, COMPRESSION: 'on' });

type Options = { readonly gateway?: typeof plain; readonly path?: string };

/** Sends an upgrade request made by `head`; the answer's status and headers, and what the backend was told. */
async function upgraded(t: Parameters<typeof openRaw>[0], head: Parameters<typeof upgradeRequest>[0], options: Options = {}) {
  const { gateway = plain, path = freshPath() } = options;
  const raw = await openRaw(t, gateway.publicUrl);
  raw.write(upgradeRequest({ path, ...head }));
  const { status, headers, body } = await raw.answer;
  assert.equal(status, 101, body);
  const told = bodyOf(await openOf({ gateway, backend }, path.replace(/^wss?:\/\/[^/]*/i, '')));
  return { headers, subprotocols: told['subprotocols'], raw };
}

suite('an upgrade request of a real client', { concurrency: true }, () => {
  for (const [list, offered] of [
    ['', []],
    [',', []],
    [' , ,', []],
    ['a,,b', ['a', 'b']],
    [', a', ['a']],
    ['a,', ['a']],
    ['a ,\tb', ['a', 'b']],
    ['a\r\nSec-WebSocket-Protocol: b, c', ['a', 'b', 'c']],
    ['\r\nSec-WebSocket-Protocol: b', ['b']],
    ['a\r\nsec-websocket-protocol:', ['a']],
  ] as const)
    test(`that offers ${JSON.stringify(list)} as subprotocols offers ${offered.join(' and ') || 'none'}`, async (t) => {
      for (const gateway of [plain, deflating]) {
        const { headers, subprotocols } = await upgraded(t, { headers: { 'Sec-WebSocket-Protocol': list } }, { gateway });
        assert.deepEqual(subprotocols, offered);
        assert.equal(headers['sec-websocket-protocol'], offered[0]);
      }
    });

  for (const [what, head] of [
    ['names in other letters', { headers: { Upgrade: null, Connection: null }, extra: 'upGRADE: WebSocket\r\nCONNECTION: uPgRaDe\r\n' }],
    ['Connection: keep-alive, Upgrade', { headers: { Connection: 'keep-alive, Upgrade' } }],
    ['Connection: Upgrade,keep-alive', { headers: { Connection: 'Upgrade,keep-alive' } }],
    ['two Connection lines', { headers: { Connection: 'keep-alive' }, extra: 'Connection: Upgrade\r\n' }],
    ['WebSocket among other protocols', { headers: { Upgrade: 'h2c, WebSocket' } }],
    ['two Upgrade lines', { extra: 'Upgrade: h2c\r\n' }],
    [
      'white space around its values',
      { headers: { 'Sec-WebSocket-Version': '\t13 ', Upgrade: '  websocket ', 'Sec-WebSocket-Key': ' dGhlIHNhbXBsZSBub25jZQ== \t' } },
    ],
    ['an empty list of extensions', { headers: { 'Sec-WebSocket-Extensions': '' } }],
    ['extensions that are none', { headers: { 'Sec-WebSocket-Extensions': ';;=,"' } }],
    ['a length of 0', { headers: { 'Content-Length': '0' } }],
  ] as const)
    test(`with ${what} is served`, async (t) => {
      for (const gateway of [plain, deflating]) await upgraded(t, head, { gateway });
    });

  for (const scheme of ['ws', 'wss', 'http', 'HTTPS'])
    test(`with ${scheme}:// before its target is served by its path`, async (t) => {
      const path = freshPath();
      const raw = await openRaw(t, plain.publicUrl);
      raw.write(upgradeRequest({ path: `${scheme}://csms.example.com:8080${path}?a=1` }));
      assert.equal((await raw.answer).status, 101);
      assert.deepEqual(bodyOf(await openOf({ gateway: plain, backend }, path))['query'], { a: '1' });
    });

  for (const [list, taken] of [
    ['permessage-deflate; made_up', undefined],
    ['permessage-deflate; made_up=1, permessage-deflate; client_max_window_bits', 'permessage-deflate'],
    [
      'permessage-deflate; server_max_window_bits=3, permessage-deflate; server_max_window_bits=12',
      'permessage-deflate; server_max_window_bits=12',
    ],
    ['permessage-bzip2, permessage-deflate', 'permessage-deflate'],
    ['permessage-deflate; client_max_window_bits=44\r\nSec-WebSocket-Extensions: permessage-deflate', 'permessage-deflate'],
    ['x-webkit-deflate-frame', undefined],
    ['permessage-deflate=', undefined],
  ] as const)
    test(`that offers ${JSON.stringify(list)} gets ${taken ?? 'no compression'}, and none with COMPRESSION=off`, async (t) => {
      const head = { headers: { 'Sec-WebSocket-Extensions': list } };
      const { headers, raw } = await upgraded(t, head, { gateway: deflating });
      const answered = headers['sec-websocket-extensions'];
      if (taken === undefined) assert.equal(answered, undefined);
      else for (const part of taken.split('; ')) assert.ok(answered?.split('; ').includes(part), answered);
      raw.write(frame(TEXT, `not compressed ${list}`));
      await backend.calls.first(({ text }) => text === `not compressed ${list}`);
      assert.equal((await upgraded(t, head)).headers['sec-websocket-extensions'], undefined);
    });

  test('of an app or an extension is let in by its origin', async (t) => {
    const origins = [
      'capacitor://localhost',
      'tauri://localhost',
      'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
      'https://*.example.com',
    ];
    const gateway = await startApp(t, { API_URI: backend.url, ORIGINS: origins.join(', ') });
    for (const [origin, status] of [
      ...origins.slice(0, 3).map((listed) => [listed, 101] as const),
      ['https://app.example.com', 101],
      ['http://app.example.com', 403],
      ['ionic://localhost', 403],
      ['null', 403],
    ] as const) {
      const raw = await openRaw(t, gateway.publicUrl);
      raw.write(upgradeRequest({ path: freshPath(), headers: { Origin: origin } }));
      assert.equal((await raw.answer).status, status, origin);
    }
  });
});

/** What a browser makes of it: the code, as it fails a handshake that names none of its subprotocols. */
async function seen(t: Parameters<typeof connect>[0], url: string, subprotocols: string[]): Promise<readonly [number, string]> {
  const client = await connect(t, url, { subprotocols });
  return [(await client.ended).code, client.ws.protocol];
}

suite('with REFUSE_WITH=close', { concurrency: true }, () => {
  test('a refused client sees the code, and the subprotocol that it offered first', async (t) => {
    const gateway = await startApp(t, { API_URI: backend.url, REFUSE_WITH: 'close' });
    assert.deepEqual(await seen(t, `${gateway.wsUrl}/refused`, ['v2.chat', 'v1.chat']), [4403, 'v2.chat']);
    assert.deepEqual(await seen(t, `${gateway.wsUrl}/refused`, []), [4403, '']);
  });

  test('it is the one that the route would choose, or the first where it would choose none', async (t) => {
    const { path: file } = await routesFile(
      t,
      `routes:
  - { path: "/refused/chat", backend: "${backend.url}", subprotocols: [v1.chat, v2.chat], refuseWith: close, origins: ["https://app.example.com"] }
  - { path: "/ocpp/:id", dialect: ocpp, backend: "http://127.0.0.1:1", refuseWith: close }
`,
    );
    const gateway = await startApp(t, { ROUTES_FILE: file });
    assert.deepEqual(await seen(t, `${gateway.wsUrl}/refused/chat`, ['x', 'v2.chat', 'v1.chat']), [4403, 'v1.chat']);
    assert.deepEqual(await seen(t, `${gateway.wsUrl}/refused/chat`, ['x', 'y']), [4400, 'x']);
    const stranger = await connect(t, `${gateway.wsUrl}/refused/chat`, { subprotocols: ['v2.chat'], origin: 'https://evil.example' });
    assert.deepEqual([(await stranger.ended).code, stranger.ws.protocol], [4403, 'v2.chat']);
    assert.deepEqual(await seen(t, `${gateway.wsUrl}/ocpp/CP1`, ['x', 'ocpp1.6', 'ocpp2.0.1']), [4502, 'ocpp1.6']);
    assert.deepEqual(await seen(t, `${gateway.wsUrl}/ocpp/CP1`, ['x']), [4400, 'x']);
  });

  test('an OCPP client with no version in common is told so by a 101 that names none', async (t) => {
    const { path: file } = await routesFile(
      t,
      'routes:\n  - { path: "/:id", dialect: ocpp, backend: "http://127.0.0.1:1", refuseWith: close, noSubprotocol: close }\n',
    );
    const gateway = await startApp(t, { ROUTES_FILE: file });
    const raw = await openRaw(t, gateway.publicUrl);
    raw.write(upgradeRequest({ path: '/CP1', headers: { 'Sec-WebSocket-Protocol': 'x' } }));
    assert.equal((await raw.answer).headers['sec-websocket-protocol'], undefined);
    assert.equal(await raw.closeCode, 1002);
  });
});
