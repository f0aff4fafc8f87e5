import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { startApp, type AppGateway } from '../support/app.ts';
import { ask } from '../support/ask.ts';
import { startBackend, type Backend } from '../support/backend.ts';
import { connect, refusal, tryConnect } from '../support/client.ts';
import { bodyOf, isEvent } from '../support/guests.ts';
import { issuerKey, startIssuer, tokenBy, type Issuer, type IssuerKey } from '../support/issuer.ts';
import { routesFile } from '../support/routes-file.ts';

type Scene = { readonly gateway: AppGateway; readonly backend: Backend; readonly issuer: Issuer; readonly key: IssuerKey };

async function scene(t: TestContext, env: Record<string, string> = {}): Promise<Scene> {
  const key = await issuerKey('one');
  const issuer = await startIssuer(t, [key.jwk]);
  const backend = await startBackend(t);
  const all = {
    API_URI: backend.url,
    JWT_JWKS_URI: issuer.jwksUri,
    JWT_ISSUER: 'https://issuer.example',
    JWT_AUDIENCE: 'chat, other',
    LOG_LEVEL: 'TRACE',
    FORWARD_HEADERS: 'authorization,cookie,origin,user-agent,sec-websocket-protocol',
    ...env,
  };
  return { key, issuer, backend, gateway: await startApp(t, all) };
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

suite('tokens of clients', { concurrency: 4 }, () => {
  test('a valid token lets in, from each place, and only Authorization is passed on to the backend', async (t) => {
    const { gateway, backend, key } = await scene(t);
    backend.answer = ({ text }) => ({ body: text.includes('v1.chat') ? '{"code":"OK","subprotocol":"v1.chat"}' : '{"code":"OK"}' });
    const token = await tokenBy(key);
    const ways: Readonly<Record<string, () => Promise<unknown>>> = {
      header: () => connect(t, `${gateway.wsUrl}/header`, bearer(token)),
      query: () => connect(t, `${gateway.wsUrl}/query?a=1&access_token=${token}&b=2`),
      cookie: () => connect(t, `${gateway.wsUrl}/cookie`, { headers: { cookie: `a=1; access_token=${token}; b=2` } }),
      'a cookie alone': () => connect(t, `${gateway.wsUrl}/alone`, { headers: { cookie: `access_token=${token}` } }),
      subprotocol: () => connect(t, `${gateway.wsUrl}/subprotocol`, { subprotocols: ['v1.chat', `bearer.${token}`, 'v2.chat'] }),
    };
    for (const [, enter] of Object.entries(ways)) await enter();
    const opens = await backend.calls.atLeast(5, isEvent('open'));
    const at = (path: string) => opens.find((call) => bodyOf(call)['path'] === path);
    assert.equal(at('/header')?.headers['authorization'], `Bearer ${token}`);
    assert.deepEqual(bodyOf(at('/query') as never)['query'], { a: '1', b: '2' });
    assert.equal(at('/cookie')?.headers['cookie'], 'a=1; b=2');
    assert.equal(at('/alone')?.headers['cookie'], undefined);
    assert.deepEqual(bodyOf(at('/subprotocol') as never)['subprotocols'], ['v1.chat', 'v2.chat']);
    for (const { url, headers, text } of opens.filter(({ headers: { authorization } }) => authorization === undefined))
      assert.ok(!JSON.stringify([url, headers, text]).includes(token.slice(-40)), 'the backend saw the token');
    assert.ok(!JSON.stringify(gateway.log.all).includes(token.slice(-40)), 'the log has the token');
  });

  test('the 101 names a real subprotocol, never the one that held the token; offered alone, none', async (t) => {
    const { gateway, backend, key } = await scene(t);
    backend.answer = () => ({ body: '{"code":"OK","subprotocol":"v1.chat"}' });
    const token = await tokenBy(key);
    const client = await connect(t, gateway.wsUrl, { subprotocols: [`bearer.${token}`, 'v1.chat'] });
    assert.equal(client.headers['sec-websocket-protocol'], 'v1.chat');
    backend.answer = () => ({ body: '{"code":"OK"}' });
    const alone = await tryConnect(t, gateway.wsUrl, { subprotocols: [`bearer.${token}`] }).catch((error: Error) => error);
    assert.ok(alone instanceof Error && /no subprotocol/i.test(alone.message), 'the client library fails as a browser does');
    const close = await scene(t, { REFUSE_WITH: 'close', ORIGINS: 'https://a.example' });
    const foreign = await connect(t, close.gateway.wsUrl, { subprotocols: [`bearer.${token}`, 'v1.chat'], origin: 'https://b.example' });
    assert.equal(foreign.headers['sec-websocket-protocol'], 'v1.chat');
    assert.equal((await foreign.ended).code, 4403);
  });

  test('without a token, or with one that is not taken, a client gets 401 and the backend hears nothing', async (t) => {
    const { gateway, backend, key } = await scene(t);
    const [foreign, shared] = [await issuerKey('one'), await issuerKey('two')];
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify({ exp: inSeconds(60), aud: 'chat', iss: 'https://issuer.example' })).toString('base64url')}.`;
    const cases: readonly (readonly [string, string])[] = [
      [await tokenBy(key, { exp: inSeconds(-1) }), 'expired'],
      [await tokenBy(key, { exp: undefined }), 'no expiry'],
      [await tokenBy(key, { aud: 'somebody' }), 'audience'],
      [await tokenBy(key, { iss: 'https://evil.example' }), 'issuer'],
      [await tokenBy(key, { nbf: inSeconds(600) }), 'not valid yet'],
      [await tokenBy(foreign), 'signature'],
      [await tokenBy(shared), 'unknown key'],
      [unsigned, 'algorithm'],
      ['garbage', 'malformed'],
    ];
    for (const [token, fault] of cases) {
      const { status, headers, body } = await refusal(t, gateway.wsUrl, bearer(token));
      assert.deepEqual([fault, status, (JSON.parse(body) as { code: string }).code], [fault, 401, 'UNAUTHORIZED'], body);
      assert.equal(headers['www-authenticate'], `Bearer error="invalid_token", error_description="${fault}"`);
    }
    const none = await refusal(t, gateway.wsUrl, { headers: { authorization: 'Basic YTpi' } });
    assert.deepEqual([none.status, none.headers['www-authenticate']], [401, 'Bearer']);
    const twice = await tokenBy(key);
    assert.equal((await refusal(t, `${gateway.wsUrl}/?access_token=${twice}&access_token=${twice}`)).status, 401);
    assert.equal(backend.calls.all.length, 0);
    const metrics = await ask(`${gateway.controlUrl}/metrics`);
    assert.match(metrics.body, new RegExp(`^wsaas_tokens_refused_total ${cases.length + 2}$`, 'm'));
    assert.doesNotMatch(JSON.stringify(gateway.log.all), /eyJ/);
  });

  test('a token in a cookie counts for pages of the same host, or of ORIGINS: any other page could ride on it', async (t) => {
    const { gateway, key } = await scene(t);
    const headers = { cookie: `access_token=${await tokenBy(key)}` };
    const host = new URL(gateway.wsUrl).host;
    await connect(t, gateway.wsUrl, { headers, origin: `http://${host}` });
    await connect(t, gateway.wsUrl, { headers });
    for (const origin of ['https://evil.example', 'null', `http://${host}.evil.example`, 'http://127.0.0.1:1'])
      assert.equal((await refusal(t, gateway.wsUrl, { headers, origin })).status, 403, origin);
    const listed = await scene(t, { ORIGINS: 'https://app.example.com' });
    const own = { cookie: `access_token=${await tokenBy(listed.key)}` };
    await connect(t, listed.gateway.wsUrl, { headers: own, origin: 'https://app.example.com' });
    assert.equal((await refusal(t, listed.gateway.wsUrl, { headers: own, origin: 'https://evil.example' })).status, 403);
  });

  test('claims become tags that no path parameter can forge; what is too long for a tag is 403', async (t) => {
    const { key, issuer } = await scene(t);
    const backend = await startBackend(t);
    const { path } = await routesFile(
      t,
      `routes:
  - path: /chat/:user
    backend: "${backend.url}"
    tags: { user: ":user", version: "2" }
    jwtJwksUri: "${issuer.jwksUri}"
    jwtAudience: [chat]
    jwtClaimTags: [user=sub, tenant, roles, admin, level, missing, address]
  - { path: /public, backend: "${backend.url}", jwtJwksUri: "" }
`,
    );
    const gateway = await startApp(t, { ROUTES_FILE: path, JWT_JWKS_URI: 'http://127.0.0.1:9/keys', JWT_ISSUER: 'https://issuer.example' });
    const claims = { sub: 'ann', tenant: 'acme', roles: ['a', 'b'], admin: true, level: 3, address: { city: 'x' } };
    await connect(t, `${gateway.wsUrl}/chat/bob`, bearer(await tokenBy(key, claims)));
    const tagged = new URLSearchParams('user=ann&version=2&tenant=acme&roles=a%2Cb&admin=true&level=3');
    const open = await backend.calls.first(isEvent('open'));
    const told = await ask(`${gateway.controlUrl}/${String(open.headers['ws-connection'])}`);
    assert.deepEqual((JSON.parse(told.body) as { tags: object }).tags, Object.fromEntries(tagged));
    const long = await refusal(t, `${gateway.wsUrl}/chat/bob`, bearer(await tokenBy(key, { ...claims, tenant: 'x'.repeat(200) })));
    assert.equal(long.status, 403);
    await connect(t, `${gateway.wsUrl}/public`);
    assert.equal(backend.calls.all.filter(isEvent('open')).length, 2);
  });

  test('exp closes the open socket with 4401, and the backend is told; one whose token lasts stays', async (t) => {
    const { gateway, backend, key } = await scene(t);
    const lasting = await connect(t, `${gateway.wsUrl}/lasting`, bearer(await tokenBy(key)));
    const short = await connect(t, `${gateway.wsUrl}/short`, bearer(await tokenBy(key, { exp: inSeconds(2) })));
    const start = Date.now();
    assert.deepEqual(await short.ended, { code: 4401, reason: 'token expired' });
    assert.ok(Date.now() - start < 4_500);
    const { headers } = await backend.calls.first(isEvent('close'));
    assert.deepEqual([headers['ws-close-code'], headers['ws-close-reason']], ['4401', 'token%20expired']);
    assert.equal(lasting.ws.readyState, lasting.ws.OPEN);
  });

  test('while the keys cannot be had, nobody who needs them gets in (503), and those that are known serve', async (t) => {
    const { gateway, issuer, key } = await scene(t);
    issuer.answer = (response) => void response.writeHead(500).end();
    const early = await refusal(t, gateway.wsUrl, bearer(await tokenBy(key)));
    assert.deepEqual([early.status, early.headers['retry-after']], [503, '1']);
    await gateway.log.first(({ msg }) => msg === 'no token can be checked: the key set cannot be had');
    issuer.answer = null;
    const other = await scene(t);
    await connect(t, other.gateway.wsUrl, bearer(await tokenBy(other.key)));
    other.issuer.answer = (response) => void response.destroy();
    await connect(t, other.gateway.wsUrl, bearer(await tokenBy(other.key)));
  });

  test('dialect ocpp: Basic credentials stay what they are, and the token comes by another way', async (t) => {
    const { key, issuer } = await scene(t);
    const backend = await startBackend(t);
    const { path } = await routesFile(t, `routes:\n  - { path: "/:id", dialect: ocpp, backend: "${backend.url}" }\n`);
    const gateway = await startApp(t, { ROUTES_FILE: path, JWT_JWKS_URI: issuer.jwksUri });
    const basic = `Basic ${Buffer.from('CP1:secret').toString('base64')}`;
    const subprotocols = ['ocpp2.0.1', `bearer.${await tokenBy(key)}`];
    const station = await connect(t, `${gateway.wsUrl}/CP1`, { subprotocols, headers: { authorization: basic } });
    assert.equal(station.headers['sec-websocket-protocol'], 'ocpp2.0.1');
    assert.equal((await backend.calls.first(isEvent('open'))).headers['authorization'], basic);
    assert.equal(
      (await refusal(t, `${gateway.wsUrl}/CP1`, { subprotocols: ['ocpp2.0.1'], headers: { authorization: basic } })).status,
      401,
    );
  });
});
