import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { test, type TestContext } from 'node:test';
import { array, assert as assertProperty, asyncProperty, constantFrom, record } from 'fast-check';
import { plainQuery } from '../../../src/edge/sockets/plain-upgrades.ts';
import { startApp, type AppGateway } from '../../support/app.ts';
import { startBackend, type Backend, type Call, type Handler } from '../../support/backend.ts';
import { isEvent } from '../../support/guests.ts';
import { issuerKey, startIssuer, tokenBy } from '../../support/issuer.ts';
import { closeFrame, frame, openRaw, TEXT, upgradeRequest } from '../../support/raw-socket.ts';
import { routesFile } from '../../support/routes-file.ts';

const HOST = 'gateway';
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** What the backend says, by the client's `Authorization`. */
const answer: Handler = ({ headers, method }) => {
  if (method !== 'POST') return {};
  switch (headers.authorization) {
    case 'Basic refuse':
      return { status: 402, body: '{"code":"PAY","message":"pay first"}' };
    case 'Basic garbage':
      return { body: 'no JSON' };
    case 'Basic everything':
      return {
        body: '{"code":"OK","tags":{"a":"b"},"data":"d","message":"welcome","subprotocol":"chat","headers":{"X-Mark":"1"}}',
        headers: { 'ws-set-tags': 'c=d' },
      };
    case 'Basic wrong':
      return { body: '{"code":"OK","subprotocol":"never offered"}' };
    default:
      return { body: '{"code":"OK"}' };
  }
};

const ROUTES = `
routes:
  - { path: /plain, backend: "BACKEND", forwardHeaders: [origin, cookie, x-forwarded-for] }
  - { path: /plain/connections/x, backend: "BACKEND" }
  - { path: /closing, backend: "BACKEND", refuseWith: close }
  - { path: /origins, backend: "BACKEND", origins: ["https://good.example"] }
  - { path: /chosen, backend: "BACKEND", subprotocols: [chat] }
  - { path: /raw/:id, dialect: raw, backend: "BACKEND" }
  - { path: /ocpp/:id, dialect: ocpp, backend: "BACKEND" }
`;

type Header = readonly [name: string, value: string | null];
type Asked = { readonly method: string; readonly path: string; readonly headers: readonly Header[] };
type Scene = { readonly gateway: AppGateway; readonly backend: Backend };

/** What a client and the backend see of one attempt, without what is new each time. */
async function attempt(t: TestContext, { gateway, backend }: Scene, { method, path, headers }: Asked): Promise<object> {
  const before = backend.calls.all.length;
  const raw = await openRaw(t, gateway.publicUrl);
  const single = Object.fromEntries(headers);
  const repeated = headers.filter(([name], at) => headers.findLastIndex(([other]) => other === name) !== at);
  const extra = repeated.flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}\r\n`])).join('');
  // frames right behind the request: who upgrades has to find them
  raw.write(upgradeRequest({ method, path, headers: single, extra }), frame(TEXT, 'hi'), closeFrame(4_001, 'bye'));
  const { date: _date, ...told } = (await raw.answer).headers;
  const { status, body } = await raw.answer;
  await raw.ended;
  const mine = (): readonly Call[] => backend.calls.all.slice(before);
  const opens = mine().filter(isEvent('open'));
  const ids = opens.map((call) => String(call.headers['ws-connection']));
  if (status === 101 || mine().some(isEvent('message')))
    for (const id of ids) await backend.calls.first((call) => isEvent('close', id)(call) && mine().includes(call));
  const frames = raw.frames.all.map(({ opcode, payload, code }) => [opcode, payload.toString('latin1'), code]);
  return { status, headers: told, body, frames, calls: mine().map((call) => seen(call, ids)) };
}

/** Ids, keys and spans are new for each client. */
function seen({ method, url, headers, text }: Call, ids: readonly string[]): string {
  const { 'ws-event-id': event = '', traceparent = '', ...others } = headers;
  const trace = String(traceparent);
  const all = [method, url, String(event).split('.')[1], trace.includes(TRACEPARENT.slice(3, 35)) ? 'its trace' : 'a trace', others, text];
  return ids.reduce((told, id) => told.replaceAll(id, 'ID'), JSON.stringify(all));
}

const each = (name: string, ...values: readonly (string | null)[]): Header[][] => values.map((value) => [[name, value]]);
const HEADERS: readonly (readonly Header[])[] = [
  each('Authorization', 'Basic refuse', 'Basic garbage', 'Basic everything', 'Basic wrong', 'Bearer TOKEN', 'Bearer x.y.z'),
  each('Sec-WebSocket-Protocol', 'chat', 'a, chat', 'chat,,', ',', 'a b', 'ocpp1.6', 'ocpp2.0.1, chat', 'bearer.TOKEN, chat'),
  each('Sec-WebSocket-Extensions', 'permessage-deflate', 'permessage-deflate; x=1', 'permessage-deflate; client_max_window_bits'),
  each('Origin', 'https://good.example', 'https://bad.example', 'null'),
  each('Cookie', 'a=1; access_token=TOKEN', 'b=2'),
  each('X-Forwarded-For', '8.8.8.8', '1.1.1.1, 127.0.0.1', 'nonsense'),
  each('Forwarded', 'for="[2001:db8::1]:8080"'),
  each('X-Forwarded-Proto', 'https'),
  each('traceparent', TRACEPARENT, 'nonsense'),
  each('tracestate', 'a=b'),
  each('User-Agent', 'x'),
  each('Content-Length', '0'),
  each('Transfer-Encoding', 'gzip'),
  each('Expect', '100-continue'),
  each('Content-Type', 'nonsense'),
  each('Upgrade', 'WebSocket', 'h2c, websocket'),
  each('Connection', 'keep-alive, Upgrade'),
  each('Sec-WebSocket-Version', '8'),
  each('Sec-WebSocket-Key', 'short', null),
  each('Host', 'not a host'),
  [['Host', 'Authorization'].flatMap((name) => [name, name].map((twice): Header => [twice, HOST]))],
].flat();
const anyHeaders = array(constantFrom(...HEADERS), { maxLength: 3 }).map((lists) => lists.flat());
const PATHS = `/plain /plain /plain /closing /closing /origins /chosen /raw/ann /raw/ann?b=1 /ocpp/station /nowhere /
  /plain?a=1&a=2&b=%20&c /plain? /plain??x=%zz /plain?access_token=TOKEN&a=1 /plain?a=%ff&=x&__proto__=y
  /%70lain /plain% /raw/%41 /raw/send /plain/ //plain /plain/connections/x /plain;a=1 /plain#x
  /raw/${'x'.repeat(1_200)} /plain?${'x=1&'.repeat(300)}`.split(/\s+/);
const anyAsked = record({
  method: constantFrom(...Array.from({ length: 12 }, () => 'GET'), 'HEAD', 'POST', 'BREW'),
  path: constantFrom(...PATHS),
  headers: anyHeaders,
});

for (const hasTokens of [false, true]) {
  test(`both ways give the same answers, frames and calls, with${hasTokens ? '' : 'out'} tokens`, { timeout: 90_000 }, async (t) => {
    const backend = await startBackend(t, answer);
    const file = await routesFile(t, ROUTES.replaceAll('BACKEND', backend.url));
    const key = await issuerKey('one');
    const issuer = await startIssuer(t, [key.jwk]);
    const token = await tokenBy(key);
    const withToken = (text: string): string => text.replace('TOKEN', token);
    const env = { ROUTES_FILE: file.path, TRUST_PROXY: '127.0.0.1', COMPRESSION: 'on', ...(hasTokens && { JWT_JWKS_URI: issuer.jwksUri }) };
    const scene = { backend, gateway: await startApp(t, env) };
    const statuses = new Set<number>();
    await assertProperty(
      asyncProperty(anyAsked, async ({ method, path, headers }) => {
        const asked = { method, headers: headers.map(([name, value]) => [name, value && withToken(value)] as const) };
        const short = await attempt(t, scene, { ...asked, path: withToken(path) });
        const long = await attempt(t, scene, { ...asked, path: `http://${HOST}${withToken(path)}` });
        assert.deepEqual(short, long);
        statuses.add((short as { readonly status: number }).status);
      }),
      { numRuns: 400, seed: 1, endOnFailure: true },
    );
    const wanted = hasTokens ? [101, 400, 401, 404, 405, 426] : [101, 400, 402, 403, 404, 405, 426, 501, 502];
    for (const status of wanted) assert.ok(statuses.has(status), `${status} was not met`);
  });
}

/** Fastify tells it of each request that reaches its handler. */
const ENTERED = 'tracing:fastify.request.handler:start';

test('a plain upgrade does not enter the cycle of the framework; another does', async (t) => {
  const backend = await startBackend(t, answer);
  const gateway = await startApp(t, { API_URI: backend.url });
  let entered = 0;
  const count = (): void => void (entered += 1);
  subscribe(ENTERED, count);
  t.after(() => unsubscribe(ENTERED, count));
  const ask = async (path: string, authorization: string | null = null): Promise<number> => {
    const { status } = (await attempt(t, { gateway, backend }, { method: 'GET', path, headers: [['Authorization', authorization]] })) as {
      readonly status: number;
    };
    return status;
  };
  assert.deepEqual([await ask('/a?b=1'), entered], [101, 0]);
  assert.deepEqual([await ask(`http://${HOST}/a`), entered], [101, 1]);
});

/** As much of a request as is looked at. */
const asked = (target: string, changes: Partial<IncomingMessage> = {}): IncomingMessage =>
  ({ method: 'GET', url: target, httpVersion: '1.1', headers: { host: HOST }, rawHeaders: ['Host', HOST], ...changes }) as IncomingMessage;

const rewrite = (target: string): string => target.replace('/from', '/to');

const queryOf = (request: IncomingMessage): unknown => {
  const query = plainQuery(request, rewrite);
  return query && { ...query };
};

test('what is plain, and its query', () => {
  assert.deepEqual(queryOf(asked('/a')), {});
  assert.deepEqual(queryOf(asked('/a?')), {});
  assert.deepEqual(queryOf(asked('/a?b=%20&b=2&c')), { b: [' ', '2'], c: '' });
  for (const target of ['/%41', '/a%?b', 'http://gateway/a', '*', '/a#b', '/from', '/from?x'])
    assert.equal(queryOf(asked(target)), null, target);
  assert.equal(queryOf(asked('/a', { method: 'HEAD' })), null);
  assert.equal(queryOf(asked('/a', { httpVersion: '2.0' })), null);
  assert.equal(queryOf(asked('/a', { headers: {} })), null);
  assert.equal(queryOf(asked('/a', { headers: { host: HOST, expect: 'much' } })), null);
});
