import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo } from 'node:net';
import { after, before, suite, test, type TestContext } from 'node:test';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { startApp, type AppGateway } from '../../support/app.ts';
import { ask } from '../../support/ask.ts';
import { startAuthority, type Authority, type Issued } from '../../support/authority.ts';
import { startBackend, type Backend } from '../../support/backend.ts';
import { connect } from '../../support/client.ts';
import { isEvent } from '../../support/guests.ts';

type Scene = { readonly gateway: AppGateway; readonly backend: Backend };

suite('TLS', { concurrency: 4 }, () => {
  const closers: (() => unknown)[] = [];
  let ca: Authority;
  let own: Issued;
  let caller: Issued;

  before(async () => {
    ca = await startAuthority({ after: (close) => void closers.push(close as () => unknown) });
    [own, caller] = await Promise.all([ca.issue('gateway'), ca.issue('caller')]);
  });
  after(async () => {
    for (const close of closers) await close();
  });

  async function scene(t: TestContext, env: Record<string, string> = {}): Promise<Scene> {
    const backend = await startBackend(t);
    const tls = { TLS_CERT_FILE: own.certFile, TLS_KEY_FILE: own.keyFile };
    return { backend, gateway: await startApp(t, { API_URI: backend.url, ...tls, ...env }) };
  }

  async function enter(t: TestContext, { gateway, backend }: Scene): Promise<string> {
    await connect(t, gateway.wsUrl, { ca: ca.cert });
    const { headers } = await backend.calls.first(isEvent('open'));
    return String(headers['ws-connection']);
  }

  const push = (base: string, id: string, tls: ConnectionOptions = {}) =>
    ask(`${base}/${id}`, { method: 'PUT', body: 'hello', tls: { ca: ca.cert, ...tls } });

  for (const [ports, env] of Object.entries({ 'one port': {}, 'two ports': { CONTROL_PORT: '0' } })) {
    test(`on ${ports}: wss, https, and a ws_uri that says https`, async (t) => {
      const { gateway, backend } = await scene(t, env);
      assert.match(gateway.wsUrl, /^wss:/);
      assert.match(gateway.controlUrl, /^https:/);
      const client = await connect(t, gateway.wsUrl, { ca: ca.cert });
      const open = await backend.calls.first(isEvent('open'));
      const uri = String(open.headers['ws-uri']);
      assert.equal(uri, `https://localhost:${new URL(gateway.controlUrl).port}/${String(open.headers['ws-connection'])}`);
      assert.equal((await ask(uri, { method: 'PUT', body: 'hello', tls: { ca: ca.cert } })).status, 200);
      assert.equal((await client.frames.first(() => true)).text, 'hello');
      client.ws.send('x'.repeat(200_000));
      assert.equal((await backend.calls.first(isEvent('message'))).body.length, 200_000);
      client.ws.close(4000, 'bye');
      assert.equal((await backend.calls.first(isEvent('close'))).headers['ws-close-code'], '4000');
    });
  }

  test('a WS_HOSTNAME that is given stays as it is', async (t) => {
    const { gateway, backend } = await scene(t, { WS_HOSTNAME: 'gw.example.com/base' });
    await connect(t, gateway.wsUrl, { ca: ca.cert });
    assert.match(String((await backend.calls.first(isEvent('open'))).headers['ws-uri']), /^gw\.example\.com\/base\//);
  });

  test('nothing older than TLS 1.2 is spoken, and 1.2 is', async (t) => {
    const { gateway } = await scene(t);
    const port = Number(new URL(gateway.publicUrl).port);
    const old = connectTls({ port, ca: ca.cert, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' });
    const [error] = (await once(old, 'error')) as [NodeJS.ErrnoException];
    assert.match(String(error.code), /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/);
    const twelve = connectTls({ port, host: '127.0.0.1', ca: ca.cert, maxVersion: 'TLSv1.2' });
    await once(twelve, 'secureConnect');
    assert.equal(twelve.getProtocol(), 'TLSv1.2');
    twelve.destroy();
  });

  test('who speaks HTTP, or noise, to it is dropped; who says nothing is, after HANDSHAKE_TIMEOUT_MS; and no line of the log tells of strangers', async (t) => {
    const { gateway } = await scene(t, { HANDSHAKE_TIMEOUT_MS: '300', LOG_LEVEL: 'WARN' });
    const port = Number(new URL(gateway.publicUrl).port);
    await Promise.all(
      ['GET /livez HTTP/1.1\r\nHost: a\r\n\r\n', '\u0016\u0003\u0001\u0002', 'x'.repeat(10_000), ''].map(async (bytes) => {
        const socket = connectTcp({ port, host: '127.0.0.1' });
        socket.on('error', () => {});
        socket.write(bytes);
        socket.resume();
        await once(socket, 'close');
      }),
    );
    assert.equal((await ask(`${gateway.publicUrl}/livez`, { tls: { ca: ca.cert } })).status, 200);
    assert.deepEqual(gateway.log.all, []);
  });

  test('sockets of clients and of callers are not counted among the strangers’, and those of strangers are', async (t) => {
    const { gateway, backend } = await scene(t, { MAX_HTTP_SOCKETS: '3' });
    for (let index = 0; index < 6; index += 1) await connect(t, gateway.wsUrl, { ca: ca.cert });
    const strangers: TLSSocket[] = [];
    for (let index = 0; index < 5; index += 1) {
      const socket = connectTls({ port: Number(new URL(gateway.publicUrl).port), host: '127.0.0.1', ca: ca.cert });
      socket.on('error', () => {});
      t.after(() => socket.destroy());
      await once(socket, 'secureConnect');
      strangers.push(socket);
    }
    for (const dropped of strangers.slice(0, 2)) if (!dropped.closed) await once(dropped.resume(), 'close');
    assert.deepEqual(
      strangers.map(({ closed }) => closed),
      [true, true, false, false, false],
    );
    assert.equal((await ask(`${gateway.controlUrl}/count?all=true`, { tls: { ca: ca.cert } })).body, '6');
    assert.equal(backend.calls.all.filter(isEvent('close')).length, 0);
  });

  suite('with TLS_CLIENT_CA_FILE', () => {
    for (const [ports, env] of Object.entries({ 'one port': {}, 'two ports': { CONTROL_PORT: '0' } })) {
      test(`on ${ports}: clients and probes need no certificate, control requests need one of this authority`, async (t) => {
        const { gateway, backend } = await scene(t, { TLS_CLIENT_CA_FILE: ca.certFile, CONTROL_ALLOW: '', ...env });
        const id = await enter(t, { gateway, backend });
        const base = gateway.controlUrl;
        for (const path of ['/livez', '/readyz']) assert.equal((await ask(base + path, { tls: { ca: ca.cert } })).status, 200, path);
        const other = await (await startAuthority(t, 'other')).issue('caller');
        for (const [method, path] of [
          ['PUT', `/${id}`],
          ['GET', `/${id}`],
          ['DELETE', `/${id}`],
          ['POST', '/send?all=true'],
          ['GET', '/status'],
          ['GET', '/metrics'],
        ] as const) {
          const none = await ask(base + path, { method, tls: { ca: ca.cert } });
          assert.deepEqual([path, none.status], [path, 403]);
          assert.match(none.body, /TLS_CLIENT_CA_FILE, and none came/);
          const foreign = await ask(base + path, { method, tls: { ca: ca.cert, cert: other.cert, key: other.key } });
          assert.deepEqual([path, foreign.status], [path, 403]);
          assert.match(foreign.body, /nobody in TLS_CLIENT_CA_FILE vouches for this client certificate/);
        }
        const tls = { ca: ca.cert, cert: caller.cert, key: caller.key };
        assert.equal((await push(base, id, tls)).status, 200);
        assert.equal((await ask(`${base}/count?all=true`, { tls })).body, '1', 'it is opened by that');
      });
    }

    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      test(`a session of ${version} that is resumed without a certificate lets nobody in; one with a certificate does`, async (t) => {
        const { gateway, backend } = await scene(t, { TLS_CLIENT_CA_FILE: ca.certFile });
        const id = await enter(t, { gateway, backend });
        const common = { ca: ca.cert, maxVersion: version, minVersion: version, port: Number(new URL(gateway.publicUrl).port) } as const;
        for (const [options, status] of [
          [{}, 403],
          [{ cert: caller.cert, key: caller.key }, 200],
        ] as const) {
          const first = await request({ ...common, ...options }, id);
          const again = await request({ ...common, ...options, session: first.session }, id);
          assert.deepEqual([first.isReused, again.isReused], [false, true]);
          assert.deepEqual([first.status, again.status], [status, status]);
        }
      });
    }

    test('a certificate that an authority between vouches for comes with that authority’s', async (t) => {
      const middle = await ca.issueAuthority('middle');
      const below = await middle.issue('below');
      const { gateway, backend } = await scene(t, { TLS_CLIENT_CA_FILE: ca.certFile });
      const id = await enter(t, { gateway, backend });
      const inside = await push(gateway.controlUrl, id, { cert: below.cert + middle.cert, key: below.key });
      assert.equal(inside.status, 200, inside.body);
      assert.equal((await push(gateway.controlUrl, id, { cert: below.cert, key: below.key })).status, 403);
    });

    test('with a token both are wanted; a certificate is no cure for a stranger’s Host or Origin, which a browser would add it to', async (t) => {
      const tls = { ca: ca.cert, cert: caller.cert, key: caller.key, servername: 'localhost' };
      const plain = await scene(t, { TLS_CLIENT_CA_FILE: ca.certFile });
      for (const headers of [{ host: 'evil.example' }, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }])
        assert.equal((await ask(`${plain.gateway.controlUrl}/count?all=true`, { tls, headers })).status, 403);
      const both = await scene(t, { TLS_CLIENT_CA_FILE: ca.certFile, CONTROL_TOKEN: 'hush' });
      const count = (options: object) => ask(`${both.gateway.controlUrl}/count?all=true`, options);
      const headers = { authorization: 'Bearer hush' };
      assert.equal((await count({ tls })).status, 401);
      assert.equal((await count({ tls: { ca: ca.cert }, headers })).status, 403);
      assert.equal((await count({ tls, headers })).status, 200);
    });

    test('clients are not even asked for a certificate where the control API has a port of its own', async (t) => {
      const { gateway } = await scene(t, { TLS_CLIENT_CA_FILE: ca.certFile, CONTROL_PORT: '0' });
      assert.equal(await asksForCertificate(gateway.publicUrl), false);
      assert.equal(await asksForCertificate(gateway.controlUrl), true);
    });
  });
});

type Answered = { readonly status: number; readonly isReused: boolean; readonly session: Buffer };

/** One push over a connection of its own, that waits for the ticket with which its session can be resumed. */
async function request(options: ConnectionOptions, id: string): Promise<Answered> {
  const socket = connectTls({ host: '127.0.0.1', ...options });
  const ticket = once(socket, 'session') as Promise<[Buffer]>;
  await once(socket, 'secureConnect');
  const isReused = socket.isSessionReused();
  socket.write(`PUT /${id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi`);
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  await once(socket, 'close');
  const session = isReused ? Buffer.alloc(0) : (await ticket)[0];
  return { status: Number(text.split(' ')[1]), isReused, session };
}

/** In TLS 1.2 a server's part of the handshake can be read on the way: is there a CertificateRequest in it (RFC 5246 §7.4.4)? */
async function asksForCertificate(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const heard: Buffer[] = [];
  const between = createServer((client) => {
    const server = connectTcp({ host: hostname, port: Number(port) });
    server.on('data', (chunk) => heard.push(chunk)).on('error', () => {});
    client.on('error', () => {}).on('close', () => server.destroy());
    client.pipe(server).pipe(client);
  });
  between.listen(0, '127.0.0.1');
  await once(between, 'listening');
  const socket = connectTls({
    host: '127.0.0.1',
    port: (between.address() as AddressInfo).port,
    maxVersion: 'TLSv1.2',
    rejectUnauthorized: false,
  });
  await once(socket, 'secureConnect');
  socket.destroy();
  between.close();
  return handshakeTypes(Buffer.concat(heard)).includes(CERTIFICATE_REQUEST);
}

const HANDSHAKE = 22;
const CERTIFICATE_REQUEST = 13;
const SERVER_HELLO_DONE = 14;

/** Of the messages in the records of a server's first flight. */
function handshakeTypes(records: Buffer): number[] {
  const pieces: Buffer[] = [];
  for (let at = 0; records[at] === HANDSHAKE; at += 5 + records.readUInt16BE(at + 3))
    pieces.push(records.subarray(at + 5, at + 5 + records.readUInt16BE(at + 3)));
  const messages = Buffer.concat(pieces);
  const types: number[] = [];
  for (let at = 0; types.at(-1) !== SERVER_HELLO_DONE; at += 4 + messages.readUIntBE(at + 1, 3)) types.push(messages.readUInt8(at));
  return types;
}
