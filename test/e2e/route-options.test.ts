import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { startBackend, type Call, type Handler } from '../support/backend.ts';
import { connect, refusal, type Client } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';
import { bodyOf, isEvent, wholeFile, type Body } from '../support/guests.ts';
import { routesFile } from '../support/routes-file.ts';
import { enterStation } from '../support/station.ts';

const IDLE_TIMEOUT_MS = 300;
const RAW = '/raw-backend/';
const OCPP = '/ocpp-backend/';

/** One backend for all: by the URL it knows which contract it is asked by. */
const answer: Handler = (call) => {
  const { method, url, text } = call;
  if (url.startsWith(RAW))
    return method === 'GET' ? { body: 'ok', headers: setTags('door=raw') } : { headers: text === 'tag me' ? setTags() : {} };
  if (url.startsWith(OCPP)) return { status: 200, headers: url.includes('/connect/') ? setTags('door=ocpp') : setTags() };
  if (isEvent('open')(call)) return { body: '{"code":"OK"}', headers: setTags('door=wsaas') };
  if (text === 'tag me') return { headers: setTags() };
  return { body: `you said ${text}` };
};
const setTags = (more = 'seen=yes'): Record<string, string> => ({ 'ws-set-tags': more });

const backend = await startBackend(wholeFile, answer);
const routes = await routesFile(
  wholeFile,
  `
routes:
  - { path: "/order/*", backend: "${backend.url}", tags: { by: wildcard } }
  - { path: "/order/:name", backend: "${backend.url}", tags: { by: parameter } }
  - { path: /order/static, backend: "${backend.url}", tags: { by: static } }
  - { path: "/rooms/:room/:seat", backend: "${backend.url}", tags: { room: ":room", seat: ":seat", version: "2" } }
  - { path: /small, backend: "${backend.url}", maxMessageBytes: 100 }
  - { path: /large, backend: "${backend.url}" }
  - { path: /slash, backend: "${backend.url}", tags: { slash: "no" } }
  - { path: /slash/, backend: "${backend.url}", tags: { slash: "yes" } }
  - { path: /quick, backend: "${backend.url}", idleTimeoutMs: ${IDLE_TIMEOUT_MS} }
  - { path: /shop, backend: "${backend.url}", origins: ["https://shop.example.com"] }
  - { path: /versions, backend: "${backend.url}", subprotocols: [v2.chat, v1.chat] }
  - { path: /replies, backend: "${backend.url}", reply: true }
  - { path: /headers, backend: "${backend.url}", forwardHeaders: [x-device], backendHeaders: { x-api-key: of-the-route } }
  - { path: /closes, backend: "${backend.url}", origins: ["https://shop.example.com"], refuseWith: close }
  - { path: "/devices/:id", dialect: raw, backend: "http://127.0.0.1:${backend.port}${RAW}", duplicateId: oldest }
  - { path: "/stations/:id", dialect: ocpp, backend: "http://127.0.0.1:${backend.port}${OCPP}" }
`,
);
const gateway = await startGateway(wholeFile, {
  ROUTES_FILE: routes.path,
  ORIGINS: 'https://app.example.com',
  BACKEND_HEADERS: '{"x-api-key":"of-all"}',
});

type Options = Parameters<typeof connect>[2];
type Guest = Client & { readonly id: string; readonly open: Call };
let guests = 0;

/** A client of dialect wsaas that was let in, with its `open` call. */
async function enter(t: TestContext, path: string, options: Options = {}): Promise<Guest> {
  guests += 1;
  const number = String(guests);
  const client = await connect(t, `${gateway.wsUrl}${path}?guest=${number}`, options);
  const isItsOpen = (call: Call): boolean =>
    call.url === '/ws' && isEvent('open')(call) && (bodyOf(call)['query'] as Body)['guest'] === number;
  const open = await backend.calls.first(isItsOpen);
  return { ...client, id: String(open.headers['ws-connection']), open };
}

const device = (t: TestContext, id: string) => connect(t, `${gateway.wsUrl}/devices/${id}`);
const refused = (t: TestContext, path: string, options: Options = {}) => refusal(t, gateway.wsUrl + path, options);
const opens = (): number => backend.calls.all.filter(isEvent('open')).length;
const count = async (selector: string): Promise<string> => (await fetch(`${gateway.controlUrl}/count?${selector}`)).text();
const tagsOf = async (id: string) => ((await (await fetch(`${gateway.controlUrl}/${id}`)).json()) as Body)['tags'];
const ended = async ({ ended: end }: Client): Promise<number> => (await end).code;

suite('which route a path has', () => {
  test('static before parameter before wildcard, whatever the order in the file', async (t) => {
    for (const [path, by] of [
      ['/order/static', 'static'],
      ['/order/other', 'parameter'],
      ['/order/static/more', 'wildcard'],
    ]) {
      assert.equal(await count(`by=${by}`), '0');
      await enter(t, path ?? '');
      assert.equal(await count(`by=${by}`), '1', path);
    }
  });

  test('a path that no route has is 404, before the backend is asked', async (t) => {
    const before = opens();
    for (const path of ['/', '/nowhere', '/small/more', '/rooms/1', '/SMALL']) assert.equal((await refused(t, path)).status, 404, path);
    assert.equal(opens(), before);
  });

  test('a slash at the end of a path makes no other path, unless a route has it; two at its beginning are 404', async (t) => {
    const told = bodyOf((await enter(t, '/rooms/blue/7/')).open);
    assert.equal(String(told['path']), '/rooms/blue/7/');
    assert.equal(await count('room=blue&seat=7'), '1');
    await enter(t, '/slash');
    await enter(t, '/slash/');
    assert.deepEqual([await count('slash=no'), await count('slash=yes')], ['1', '1']);
    await device(t, 'slashed/');
    assert.equal((await fetch(`${gateway.controlUrl}/slashed`, { method: 'POST', body: 'x' })).status, 200);
    const before = opens();
    for (const path of ['//large', '/large//', '//devices/1', '/devices//1', '//'])
      assert.equal((await refused(t, path)).status, 404, path);
    assert.equal(opens(), before);
  });

  test('a path that is no valid percent-encoding is refused and harms nobody', async (t) => {
    for (const path of ['/devices/%', '/devices/%ff', '/devices/%ed%a0%80', '/order/%c3%28', '/devices/a%2']) {
      const { status } = await refused(t, path);
      assert.ok(status === 400 || status === 404, `${path} was answered ${status}`);
    }
    await enter(t, '/large');
  });
});

suite('what a route overrides', () => {
  test('tags take path parameters, decoded, beside fixed ones', async (t) => {
    const { id } = await enter(t, '/rooms/blue%20%26%2Fgr%C3%BCn/7');
    assert.deepEqual(await tagsOf(id), { room: 'blue &/grün', seat: '7', version: '2', door: 'wsaas' });
    assert.equal(await count(new URLSearchParams({ room: 'blue &/grün', version: '2' }).toString()), '1');
  });

  test('a parameter that is too long for a tag lets nobody in, and the backend is told', async (t) => {
    const long = 'x'.repeat(200);
    assert.equal((await refused(t, `/rooms/${long}/1`)).status, 502);
    const open = await backend.calls.first(({ text }) => text.includes(long));
    await backend.calls.first(isEvent('close', String(open.headers['ws-connection'])));
  });

  test('maxMessageBytes: 1009 for the client, 413 for the backend; another route keeps the general one', async (t) => {
    const [small, large] = [await enter(t, '/small'), await enter(t, '/large')];
    assert.deepEqual([await push(small.id, 100), await push(small.id, 101), await push(large.id, 101)], [200, 413, 200]);
    large.ws.send('y'.repeat(101));
    small.ws.send('y'.repeat(100));
    small.ws.send('z'.repeat(101));
    small.ws.send('z behind it');
    assert.equal(await ended(small), 1009);
    await backend.calls.atLeast(2, (call) => isEvent('message')(call) && /^y+$/.test(call.text));
    assert.equal((await backend.calls.first(isEvent('close', small.id))).headers['ws-close-code'], '1009');
    assert.ok(
      !backend.calls.all.some(({ text }) => text.startsWith('z')),
      'what is over the limit reaches nobody, nor does what comes behind it: that would be a gap',
    );
  });

  test('idleTimeoutMs: a silent client is closed in its time, on another route it stays', async (t) => {
    const stays = await enter(t, '/large');
    const quick = await enter(t, '/quick', { autoPong: false });
    assert.equal(await ended(quick), 1001);
    assert.equal(stays.ws.readyState, stays.ws.OPEN);
    assert.equal(bodyOf(quick.open)['timeout'], IDLE_TIMEOUT_MS, 'the backend is told');
  });

  test('origins replace ORIGINS; a request without one passes', async (t) => {
    await enter(t, '/shop', origin('shop'));
    await enter(t, '/shop');
    assert.equal((await refused(t, '/shop', origin('app'))).status, 403);
    await enter(t, '/large', origin('app'));
    assert.equal((await refused(t, '/large', origin('shop'))).status, 403);
  });

  test("subprotocols: the server's order decides; none in common is 400, none offered is let in without", async (t) => {
    const versions = async (...subprotocols: string[]) => (await enter(t, '/versions', { subprotocols })).ws.protocol;
    assert.equal(await versions('v1.chat', 'v2.chat'), 'v2.chat');
    assert.equal(await versions('v3.chat', 'v1.chat'), 'v1.chat');
    assert.equal(await versions(), '');
    const before = opens();
    assert.equal((await refused(t, '/versions', { subprotocols: ['v3.chat', 'V2.CHAT'] })).status, 400);
    assert.equal(opens(), before, 'the backend is not asked');
  });

  test('reply: the answer to a message goes back to its client, on another route it does not', async (t) => {
    const [replies, large] = [await enter(t, '/replies'), await enter(t, '/large')];
    for (const { ws } of [replies, large]) ws.send('hello?');
    assert.equal((await replies.frames.first(() => true)).text, 'you said hello?');
    await backend.calls.atLeast(2, ({ text }) => text === 'hello?');
    await goodbye(large);
    assert.deepEqual(large.frames.all, []);
  });

  test('forwardHeaders and backendHeaders', async (t) => {
    const headers = { 'x-device': 'd-1', cookie: 'a=b', authorization: 'Bearer x' };
    const [special, other] = [await enter(t, '/headers', { headers }), await enter(t, '/large', { headers })];
    assert.deepEqual(headersOf(special), ['d-1', undefined, 'Bearer x', 'of-the-route'], 'authorization is sent with every event');
    assert.deepEqual(headersOf(other), [undefined, 'a=b', 'Bearer x', 'of-all']);
  });

  test('refuseWith: close lets the client in to tell it why, on another route it is refused by HTTP', async (t) => {
    const headers = { origin: 'https://evil.example.com' };
    assert.deepEqual(await (await connect(t, `${gateway.wsUrl}/closes`, { headers })).ended, { code: 4403, reason: 'FORBIDDEN' });
    assert.equal((await refused(t, '/large', { headers })).status, 403);
  });
});

suite('dialects side by side on one port', () => {
  test('duplicateId: oldest refuses the second with 409 and leaves the first alone', async (t) => {
    const first = await device(t, 'twin');
    assert.equal((await refused(t, '/devices/twin')).status, 409);
    assert.equal(
      backend.calls.all.filter(({ url, method }) => url === `${RAW}twin` && method === 'GET').length,
      1,
      'the backend is asked once',
    );
    assert.equal(await (await fetch(`${gateway.controlUrl}/twin`, { method: 'POST', body: 'still yours' })).text(), 'ok');
    assert.equal((await first.frames.first(() => true)).text, 'still yours');
    await goodbye(first);
    await backend.calls.first(({ url, method }) => url === `${RAW}twin` && method === 'DELETE');
    await device(t, 'twin');
  });

  test('each client is reached by its own contract, and by selections whatever its dialect', async (t) => {
    const side = await device(t, 'side');
    const chatter = await enter(t, '/rooms/side/1');
    const { id } = chatter;
    assert.equal(await (await send('/side', 'POST')).text(), 'ok');
    assert.deepEqual(await (await send(`/${id}`, 'PUT')).json(), { code: 'OK' });
    assert.equal(await (await send(`/send?id=side,${id}`, 'POST')).text(), '2');
    assert.deepEqual(
      (await side.frames.atLeast(2)).map(({ text }) => text),
      ['POST /side', `POST /send?id=side,${id}`],
    );
    assert.deepEqual(
      (await chatter.frames.atLeast(2)).map(({ text }) => text),
      [`PUT /${id}`, `POST /send?id=side,${id}`],
    );
    side.ws.send('up');
    chatter.ws.send('up');
    await backend.calls.first(({ url, method, text }) => url === `${RAW}side` && method === 'POST' && text === 'up');
    await backend.calls.first((call) => isEvent('message', id)(call) && call.method === 'PUT' && call.text === 'up');
  });

  test('WS-Set-Tags works on the answers to open and to messages in every dialect', async (t) => {
    const chatter = await enter(t, '/rooms/tags/1');
    const tagged = await device(t, 'tags');
    const station = await enterStation(t, { endpoint: `${gateway.wsUrl}/stations`, identity: 'tagged', protocols: ['ocpp1.6'] });
    const { id } = chatter;
    const before = [await tagsOf(id), await tagsOf('tags'), await tagsOf('tagged')];
    assert.deepEqual(before, [{ room: 'tags', seat: '1', version: '2', door: 'wsaas' }, { door: 'raw' }, { door: 'ocpp' }]);

    chatter.ws.send('tag me');
    tagged.ws.send('tag me');
    await station.call('Heartbeat', {});
    // an event carries the tags that the answer to the one before has set
    for (const { ws } of [chatter, tagged]) ws.send('and now?');
    await station.call('Heartbeat', {});
    const tags = await Promise.all(
      [id, 'tags', 'tagged'].map(async (of) => Object.fromEntries(new URLSearchParams(String((await secondEvent(of)).headers['ws-tags'])))),
    );
    assert.deepEqual(tags, [
      { room: 'tags', seat: '1', version: '2', door: 'wsaas', seen: 'yes' },
      { door: 'raw', seen: 'yes' },
      { door: 'ocpp', seen: 'yes' },
    ]);
    assert.equal(await count('seen=yes'), '3');
  });
});

const push = async (id: string, bytes: number): Promise<number> =>
  (await fetch(`${gateway.controlUrl}/${id}`, { method: 'PUT', body: 'x'.repeat(bytes) })).status;

const origin = (name: string) => ({ headers: { origin: `https://${name}.example.com` } });

const headersOf = ({ open }: Guest) => ['x-device', 'cookie', 'authorization', 'x-api-key'].map((name) => open.headers[name]);

function secondEvent(id: string): Promise<Call> {
  return backend.calls.first(({ headers }) => headers['ws-connection'] === id && headers['ws-seq'] === '2');
}

/** A request to the control API whose body says which one it is. */
function send(path: string, method: string): Promise<Response> {
  return fetch(gateway.controlUrl + path, { method, body: `${method} ${path}` });
}

/** Resolves when the client has left and everything that was on its way to it has come. */
async function goodbye({ ws, ended: end }: Client): Promise<void> {
  ws.close(1000);
  await end;
}
