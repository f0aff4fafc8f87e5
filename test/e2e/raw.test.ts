import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, after, test } from 'node:test';
import { startBackend, type Backend, type Call } from '../support/backend.ts';
import { connect, refusal } from '../support/client.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';

const endings: (() => void | Promise<void>)[] = [];
const file = { after: (ending: () => void | Promise<void>) => void endings.push(ending) } as Parameters<typeof startBackend>[0];
let backend: Backend;
let gateway: GatewayProcess;
const answers = new Map<string, (call: Call) => Awaited<ReturnType<Backend['answer']>>>();

before(async () => {
  backend = await startBackend(file, (call) => {
    const id = call.url.split('/').at(-1) ?? '';
    const special = answers.get(id)?.(call);
    if (special !== undefined) return special;
    return call.method === 'GET' ? { body: 'ok' } : { body: '' };
  });
  const folder = await mkdtemp(join(tmpdir(), 'raw-'));
  endings.push(() => rm(folder, { recursive: true }));
  const routes = join(folder, 'routes.yaml');
  await writeFile(
    routes,
    `routes:\n  - { path: "/:id", dialect: raw, backend: "127.0.0.1:${backend.port}/wsoverhttp/", openTimeoutMs: 500 }\n`,
  );
  gateway = await startGateway(file, { ROUTES_FILE: routes });
});
after(async () => {
  for (const ending of endings.toReversed()) await ending();
});

const calls = (id: string, method: string) => (call: Call) => call.method === method && call.url === `/wsoverhttp/${id}`;

test('an accepted client gets 101, and the backend two requests in all', async (t) => {
  const client = await connect(t, `${gateway.wsUrl}/two`);
  client.ws.close(1000);
  await backend.calls.first(calls('two', 'DELETE'));
  assert.deepEqual(
    backend.calls.all.filter(({ url }) => url === '/wsoverhttp/two').map(({ method, text }) => [method, text]),
    [
      ['GET', ''],
      ['DELETE', ''],
    ],
  );
});

test('`ko` is 403, with one request', async (t) => {
  answers.set('ko', () => ({ body: 'ko' }));
  assert.equal((await refusal(t, `${gateway.wsUrl}/ko`)).status, 403);
  assert.equal(backend.calls.all.filter(({ url }) => url === '/wsoverhttp/ko').length, 1);
});

test('a backend that answers 503, or `ok` with another status than 200, is 502; a hanging one 504', async (t) => {
  answers.set('busy', () => ({ status: 503, body: 'ok' }));
  answers.set('created', () => ({ status: 201, body: 'ok' }));
  answers.set('hangs', () => null);
  assert.equal((await refusal(t, `${gateway.wsUrl}/busy`)).status, 502);
  assert.equal((await refusal(t, `${gateway.wsUrl}/created`)).status, 502);
  assert.equal((await refusal(t, `${gateway.wsUrl}/hangs`)).status, 504);
});

test('a message is a POST, and its answer one text frame', async (t) => {
  answers.set('echo', (call) => (call.method === 'POST' ? { body: `you said ${call.text}` } : undefined) as never);
  const client = await connect(t, `${gateway.wsUrl}/echo`);
  client.ws.send('hi');
  const frame = await client.frames.first(() => true);
  assert.deepEqual([frame.text, frame.isBinary], ['you said hi', false]);
  const call = await backend.calls.first(calls('echo', 'POST'));
  assert.equal(call.headers['content-type'], 'text/plain; charset=utf-8');
});

test('an empty message is a POST with an empty body, and binary stays binary both ways', async (t) => {
  answers.set(
    'bytes',
    (call) => (call.method === 'POST' ? { body: call.body, headers: { 'content-type': 'application/octet-stream' } } : undefined) as never,
  );
  const client = await connect(t, `${gateway.wsUrl}/bytes`);
  client.ws.send('');
  client.ws.send(Buffer.from([0, 255, 1]));
  const [empty, binary] = await backend.calls.atLeast(2, calls('bytes', 'POST'));
  assert.equal(empty?.body.length, 0);
  assert.equal(binary?.headers['content-type'], 'application/octet-stream');
  const frame = await client.frames.first(({ isBinary }) => isBinary);
  assert.deepEqual([...frame.data], [0, 255, 1]);
});

test('an error page of the backend never reaches the client, and an empty answer sends nothing', async (t) => {
  answers.set('errs', (call) => (call.method === 'POST' && call.text === 'fail' ? { status: 500, body: '<html>' } : undefined) as never);
  const client = await connect(t, `${gateway.wsUrl}/errs`);
  client.ws.send('fail');
  client.ws.send('empty');
  await backend.calls.atLeast(2, calls('errs', 'POST'));
  const pushed = await fetch(`${gateway.controlUrl}/errs`, { method: 'POST', body: 'last' });
  assert.deepEqual([pushed.status, await pushed.text()], [200, 'ok']);
  assert.equal((await client.frames.first(() => true)).text, 'last', 'the first frame is the push');
});

test('pushes: one text frame and `ok`; unknown is 404 `not found`; DELETE closes', async (t) => {
  const client = await connect(t, `${gateway.wsUrl}/pushed`);
  const sent = await fetch(`${gateway.controlUrl}/pushed`, { method: 'POST', body: 'hello' });
  assert.deepEqual([sent.status, await sent.text()], [200, 'ok']);
  assert.equal((await client.frames.first(() => true)).text, 'hello');
  const lost = await fetch(`${gateway.controlUrl}/nobody`, { method: 'POST', body: 'hello' });
  assert.deepEqual([lost.status, await lost.text()], [404, 'not found']);
  assert.equal((await fetch(`${gateway.controlUrl}/pushed`, { method: 'POST', body: 'x'.repeat(262_145) })).status, 413);
  assert.equal((await fetch(`${gateway.controlUrl}/pushed`, { method: 'DELETE' })).status, 200);
  assert.equal((await client.ended).code, 1000);
});

test('the close reason is the body of DELETE, and EOF where the connection just dropped', async (t) => {
  const polite = await connect(t, `${gateway.wsUrl}/polite`);
  polite.ws.close(1000, 'disconnect');
  assert.equal((await backend.calls.first(calls('polite', 'DELETE'))).text, 'disconnect');
  const abrupt = await connect(t, `${gateway.wsUrl}/abrupt`);
  abrupt.ws.terminate();
  assert.equal((await backend.calls.first(calls('abrupt', 'DELETE'))).text, 'EOF');
});

test('of two clients with one id the newest stays, and nothing that the old one does touches it', async (t) => {
  const old = await connect(t, `${gateway.wsUrl}/twin`);
  const young = await connect(t, `${gateway.wsUrl}/twin`);
  assert.equal((await old.ended).code, 4409);
  await backend.calls.first(calls('twin', 'DELETE'));
  const sent = await fetch(`${gateway.controlUrl}/twin`, { method: 'POST', body: 'still here' });
  assert.equal(sent.status, 200);
  assert.equal((await young.frames.first(() => true)).text, 'still here');
  assert.equal(backend.calls.all.filter(calls('twin', 'DELETE')).length, 1);
});

test('a refused second client with the id of an open one changes nothing', async (t) => {
  let opens = 0;
  answers.set('guarded', (call) => (call.method === 'GET' ? { body: (opens += 1) === 1 ? 'ok' : 'ko' } : undefined) as never);
  const client = await connect(t, `${gateway.wsUrl}/guarded`);
  assert.equal((await refusal(t, `${gateway.wsUrl}/guarded`)).status, 403);
  assert.equal((await fetch(`${gateway.controlUrl}/guarded`, { method: 'POST', body: 'x' })).status, 200);
  assert.equal((await client.frames.first(() => true)).text, 'x');
});

test('ids are encoded again as one segment; reserved words and dot segments are refused with 400', async (t) => {
  const id = encodeURIComponent('a/b?c#d é');
  const client = await connect(t, `${gateway.wsUrl}/${id}`);
  assert.equal(backend.calls.all.at(-1)?.url, `/wsoverhttp/${id}`);
  assert.equal((await fetch(`${gateway.controlUrl}/${id}`, { method: 'POST', body: 'x' })).status, 200);
  assert.equal((await client.frames.first(() => true)).text, 'x');
  for (const bad of ['status', 'livez', '%2e%2e', 'x'.repeat(256)])
    assert.equal((await refusal(t, `${gateway.wsUrl}/${bad}`)).status, 400, bad);
});

test('a message whose answer was lost is not sent again, one that was answered 503 is', async (t) => {
  let sent = 0;
  const client = await connect(t, `${gateway.wsUrl}/lossy`);
  answers.set('lossy', (call) => {
    if (call.method !== 'POST') return undefined as never;
    sent += 1;
    return call.text === 'retry' && sent === 1 ? { status: 503, headers: { 'retry-after': '0' } } : { body: '' };
  });
  client.ws.send('retry');
  const repeated = await backend.calls.atLeast(2, calls('lossy', 'POST'));
  assert.equal(new Set(repeated.map(({ headers }) => headers['ws-event-id'])).size, 1);

  const plain = backend.answer;
  backend.answer = (call, response) => {
    if (!calls('lossy', 'POST')(call)) return plain(call, response);
    backend.answer = plain;
    response.destroy();
    return 'taken';
  };
  client.ws.send('lost');
  client.ws.send('next');
  await backend.calls.first((call) => calls('lossy', 'POST')(call) && call.text === 'next');
  assert.equal(backend.calls.all.filter((call) => calls('lossy', 'POST')(call) && call.text === 'lost').length, 1);
  client.ws.close();
  await once(client.ws, 'close');
});
