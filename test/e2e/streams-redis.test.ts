import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as elapsed } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startApp } from '../support/app.ts';
import { startBackend } from '../support/backend.ts';
import { trustedCertificate } from '../support/certificate.ts';
import { connect, refusal } from '../support/client.ts';
import { missing, startEngine, type EngineServer } from '../support/engine-server.ts';
import { ok } from '../support/guests.ts';
import { speakingTls, startSentinel } from '../support/redis-kinds.ts';
import { allIn, consume, redisClient, startLastingRedis } from '../support/redis-streams.ts';
import { routesFile } from '../support/routes-file.ts';
import { firstsOf, judge, outageMs, talkDuring, talkers } from '../support/stream-witness.ts';

const skip = missing('redis');

type Scope = Parameters<typeof startApp>[0];

async function gatewayOn(
  t: Scope,
  { url }: Pick<EngineServer, 'url'>,
  { query = '', more = '', path = '/*', env = {} }: { query?: string; more?: string; path?: string; env?: Record<string, string> } = {},
) {
  const routes = await routesFile(
    t,
    `routes:\n  - { path: "${path}", dialect: stream, backend: "${url}/0?${query || 'stream=connectionevents'}"${more} }\n`,
  );
  return startApp(t, { ROUTES_FILE: routes.path, ...env });
}

test('wsgateway’s consumer loop reads what a client does, unchanged', { skip }, async (t) => {
  const engine = await startEngine(t, 'redis');
  const more = ', tags: { room: ":room", version: "2" }, streamIncludeTags: [room]';
  const gateway = await gatewayOn(t, engine, { path: '/rooms/:room', more });
  const { entries } = consume(t, engine);
  const client = await connect(t, `${gateway.wsUrl}/rooms/blue%26green`);
  client.ws.send('hello');
  client.ws.send(Buffer.from([0, 255, 13, 10, 36, 42]));
  client.ws.send('');
  await entries.atLeast(4);
  client.ws.close(4001, 'bye');
  await entries.atLeast(5);
  const [open, ...others] = entries.all;
  const id = open?.text['connection'] ?? '';
  const common = { connection: id, tags: 'room=blue%26green', route: '/rooms/:room' };
  assert.deepEqual(open?.text, {
    ...common,
    action: 'open',
    event_id: `${id}.0`,
    path: '/rooms/blue%26green',
    remote_address: '127.0.0.1',
  });
  assert.deepEqual(
    others.map(({ text }) => text),
    [
      { ...common, action: 'message', type: 'text', message: 'hello', event_id: `${id}.1` },
      { ...common, action: 'message', type: 'binary', message: '\0\ufffd\r\n$*', event_id: `${id}.2` },
      { ...common, action: 'message', type: 'text', message: '', event_id: `${id}.3` },
      { ...common, action: 'close', event_id: `${id}.close`, close_code: '4001', close_reason: 'bye' },
    ],
  );
  assert.deepEqual(others[1]?.bytes['message'], Buffer.from([0, 255, 13, 10, 36, 42]));
  assert.deepEqual(others[0]?.names.slice(0, 5), ['connection', 'action', 'type', 'tags', 'message'], 'in wsgateway’s order');
});

test(
  'a consumer that is stopped and started, a broker that is killed and started: all once or marked, in order, nobody closed',
  { skip },
  async (t) => {
    const engine = await startLastingRedis(t);
    const gateway = await gatewayOn(t, engine);
    const first = consume(t, engine, { count: 100 });
    const all = await talkers(t, gateway.wsUrl, 10);
    await talkDuring(all, async () => {
      await first.entries.atLeast(100);
      first.stop();
      await elapsed(100);
      await engine.kill();
      await elapsed(outageMs(300));
      await engine.restart();
      await elapsed(100);
    });
    const client = redisClient(t, engine);
    const said = all.reduce((sum, talker) => sum + talker.said, 0);
    for (let tries = 0; firstsOf(await allIn(client)) < said && tries < 200; tries += 1) await elapsed(50);
    const second = consume(t, engine, { count: 100 });
    const inStream = await allIn(client);
    judge(all, inStream);
    const ids = (): Set<string> => new Set([...first.entries.all, ...second.entries.all].map(({ id }) => id));
    for (let tries = 0; ids().size < inStream.length && tries < 1_200; tries += 1) await elapsed(25);
    assert.equal(ids().size, inStream.length, 'the consumer goes on where it was');
  },
);

test('a broker that stands still for less than BACKEND_TIMEOUT_MS is waited for: nothing is told twice', { skip }, async (t) => {
  const engine = await startEngine(t, 'redis');
  const gateway = await gatewayOn(t, engine);
  const all = await talkers(t, gateway.wsUrl, 10);
  await talkDuring(all, async () => {
    await elapsed(100);
    engine.freeze();
    await elapsed(outageMs(1_000));
    engine.thaw();
  });
  const said = all.reduce((sum, talker) => sum + talker.said, 0);
  const { entries } = consume(t, engine, { count: 1_000 });
  await entries.atLeast(said, ({ text }) => text['action'] === 'message');
  assert.equal(judge(all, entries.all), 0);
});

test('one that stands still for longer is asked over another connection: what is told twice has its event id', { skip }, async (t) => {
  const engine = await startEngine(t, 'redis');
  const gateway = await gatewayOn(t, engine, { env: { BACKEND_TIMEOUT_MS: '300' } });
  const all = await talkers(t, gateway.wsUrl, 10);
  await talkDuring(all, async () => {
    await elapsed(100);
    engine.freeze();
    await elapsed(outageMs(1_500));
    engine.thaw();
  });
  const said = all.reduce((sum, talker) => sum + talker.said, 0);
  const { entries } = consume(t, engine, { count: 1_000 });
  for (let tries = 0; firstsOf(entries.all) < said && tries < 400; tries += 1) await elapsed(100);
  assert.ok(judge(all, entries.all) > 0, 'what was on its way was told again');
});

test(
  'while the broker is away a client is refused within a second, one that leaves is told of after its return, and what is held is bounded',
  { skip },
  async (t) => {
    const engine = await startLastingRedis(t);
    const gateway = await gatewayOn(t, engine, { env: { INBOX_MESSAGES: '4' } });
    const [leaving, flooding] = [await connect(t, `${gateway.wsUrl}/leaving`), await connect(t, `${gateway.wsUrl}/flooding`)];
    await engine.kill();
    await gateway.log.first(({ msg }) => msg === 'broker is away: events wait');
    leaving.ws.send('last word');
    leaving.ws.close(1000, 'gone');
    await leaving.ended;
    const startedAt = performance.now();
    const refused = await refusal(t, `${gateway.wsUrl}/late`);
    assert.equal(refused.status, 502);
    assert.equal(refused.headers['retry-after'], '1');
    assert.ok(performance.now() - startedAt < 1_500);
    for (let number = 0; number < 200; number += 1) flooding.ws.send(Buffer.alloc(65_536, String(number % 10)));
    await elapsed(300);
    assert.ok(flooding.ws.bufferedAmount > 5_000_000, `the sender keeps what is not read: ${flooding.ws.bufferedAmount}`);
    await engine.restart();
    const { entries } = consume(t, engine, { count: 100 });
    await entries.atLeast(200, ({ text }) => text['type'] === 'binary');
    const close = await entries.first(({ text }) => text['action'] === 'close');
    const ofLeaving = entries.all.filter(({ text }) => text['connection'] === close.text['connection']);
    assert.deepEqual(
      ofLeaving.map(({ text }) => [text['action'], text['message'] ?? text['close_reason'] ?? '']),
      [
        ['open', ''],
        ['message', 'last word'],
        ['close', 'gone'],
      ],
    );
    assert.ok(!entries.all.some(({ text }) => text['path'] === '/late'), 'who was refused is told of nowhere');
  },
);

test(
  'a broker that becomes a replica, and one that is out of memory, take nothing, and all of it once they can again',
  { skip },
  async (t) => {
    const engine = await startEngine(t, 'redis');
    const admin = redisClient(t, engine);
    const gateway = await gatewayOn(t, engine);
    const client = await connect(t, `${gateway.wsUrl}/x`);
    await admin.config('SET', 'maxmemory', '1');
    client.ws.send('one');
    await gateway.log.first(({ because }) => String(because).startsWith('OOM'));
    await admin.config('SET', 'maxmemory', '0');
    const { entries } = consume(t, engine);
    await entries.first(({ text }) => text['message'] === 'one');
    await admin.replicaof('127.0.0.1', 1);
    client.ws.send('two');
    await gateway.log.first(({ because }) => because === 'it is a replica now');
    await admin.replicaof('NO', 'ONE');
    await entries.first(({ text }) => text['message'] === 'two');
    assert.equal(entries.all.length, 3);
  },
);

test('a message that finds no broker in BACKEND_RETRY_FOR_MS ends its connection with 1011', { skip }, async (t) => {
  const engine = await startEngine(t, 'redis');
  const gateway = await gatewayOn(t, engine, { env: { BACKEND_RETRY_FOR_MS: '400' } });
  const client = await connect(t, `${gateway.wsUrl}/x`);
  await engine.kill();
  client.ws.send('lost');
  assert.deepEqual(await client.ended, { code: 1011, reason: 'backend unavailable' });
});

const kind = (value: unknown) => JSON.stringify({ data: { list: [{ kind: value }] }, n: 7 });

test('names follow tags and JSON, within a bounded number; a name of the commands’ is nobody’s', { skip }, async (t) => {
  const engine = await startEngine(t, 'redis');
  const query = 'stream=s-{tag.room:none}-{json.kind:other}-{json.n}&commands=s-a-commands-_&names=4';
  const gateway = await gatewayOn(t, engine, {
    path: '/:room',
    query,
    more: ', tags: { room: ":room" }, jsonExtractVars: { kind: data.list.0.kind }',
  });
  const client = await connect(t, `${gateway.wsUrl}/a`);
  const sent = [kind('x'), 'no JSON', '{"n":"__proto__"}', kind({}), kind('y'), `{"data":{"list":[{"kind":"commands"}]}}`];
  for (const text of sent) client.ws.send(text);
  const redis = redisClient(t, engine);
  for (let tries = 0; (await redis.xlen('s-none-other-_')) < 2 && tries < 100; tries += 1) await elapsed(20);
  const contents: Record<string, string[]> = {};
  for (const name of await redis.keys('s-*'))
    if (name !== 's-a-commands-_') contents[name] = (await allIn(redis, name)).map(({ text }) => text['message'] ?? text['action'] ?? '');
  assert.deepEqual(contents, {
    's-a-other-_': ['open', 'no JSON'],
    's-a-x-7': [kind('x')],
    's-a-other-__proto__': ['{"n":"__proto__"}'],
    's-a-other-7': [kind({})],
    's-none-other-_': [kind('y'), `{"data":{"list":[{"kind":"commands"}]}}`],
  });
});

test('with `open` an HTTP backend decides who gets in; messages and ends go to the stream', { skip }, async (t) => {
  const engine = await startEngine(t, 'redis');
  const backend = await startBackend(t, ({ text }) =>
    text.includes('"/bad"') ? { status: 403 } : ok({ tags: { user: 'ann' }, data: 'd1', message: 'hi' }),
  );
  const gateway = await gatewayOn(t, engine, { more: `, open: "${backend.url}", tags: { v: "2" }` });
  assert.equal((await refusal(t, `${gateway.wsUrl}/bad`)).status, 403);
  const client = await connect(t, `${gateway.wsUrl}/good`);
  await client.frames.first(({ text }) => text === 'hi');
  client.ws.send('hello');
  const { entries } = consume(t, engine);
  await entries.atLeast(2);
  client.ws.close();
  await entries.atLeast(3);
  assert.deepEqual(
    entries.all.map(({ text }) => [text['action'], text['tags'], text['data'] ?? '']),
    [
      ['open', 'user=ann&v=2', 'd1'],
      ['message', 'user=ann&v=2', ''],
      ['close', 'user=ann&v=2', ''],
    ],
  );
  assert.deepEqual(
    backend.calls.all.map(({ headers }) => headers['ws-event']),
    ['open', 'open'],
  );
  await engine.kill();
  assert.equal((await refusal(t, `${gateway.wsUrl}/good`)).status, 502, 'a client that the stream does not hear of is not let in');
});

/** What docs/dialects/stream.md says that a user needs. */
const RIGHTS = ['+eval', '+xadd', '+xgroup', '+xreadgroup', '+xautoclaim', '+xpending', '+xinfo', '+xack', '+xdel', '+select', '+info'];

test('a user with the rights that the page names is enough; a wrong password is told, and no password ever', { skip }, async (t) => {
  const engine = await startEngine(t, 'redis');
  const admin = redisClient(t, engine);
  await admin.acl('SETUSER', 'gate', 'on', '>hunter2', 'resetkeys', '~events*', '~todo*', ...RIGHTS);
  const urlWith = (password: string) => ({ url: engine.url.replace('//', `//gate:${password}@`) });
  const query = 'stream=events&commands=todo&claimAfterMs=200';
  const [right, wrong] = [
    await gatewayOn(t, urlWith('hunter2'), { query, env: { LOG_LEVEL: 'TRACE' } }),
    await gatewayOn(t, urlWith('hunter3'), { query, env: { LOG_LEVEL: 'TRACE' } }),
  ];
  const client = await connect(t, `${right.wsUrl}/x`);
  client.ws.send('hello');
  await admin.xadd('todo', '*', 'action', 'send', 'selector', 'all=true', 'message', 'hi');
  await client.frames.first(({ text }) => text === 'hi');
  await consume(t, engine, { stream: 'events' }).entries.atLeast(2);
  const told = await wrong.log.first(({ msg }) => msg === 'broker is away: events wait');
  assert.match(String(told['because']), /WRONGPASS/);
  assert.equal((await refusal(t, `${wrong.wsUrl}/x`)).status, 502);
  assert.deepEqual(((await (await fetch(`${wrong.controlUrl}/readyz`)).json()) as { degraded: string[] }).degraded, ['streams']);
  assert.deepEqual(((await (await fetch(`${right.controlUrl}/readyz`)).json()) as { degraded: string[] }).degraded, []);
  for (const { log } of [right, wrong]) assert.doesNotMatch(JSON.stringify(log.all), /hunter/);
});

test('close entries outlive the gateway with JOURNAL_DIR', { skip }, async (t) => {
  const engine = await startLastingRedis(t);
  const env = { JOURNAL_DIR: await mkdtemp(join(tmpdir(), 'streams-journal-')) };
  t.after(() => rm(env.JOURNAL_DIR, { recursive: true, force: true }));
  const ends: (() => unknown)[] = [];
  const first = await gatewayOn({ after: (end: unknown) => void ends.push(end as () => unknown) }, engine, { env });
  const client = await connect(t, `${first.wsUrl}/x`);
  client.ws.send('last word');
  const { entries } = consume(t, engine);
  await entries.atLeast(2);
  await engine.kill(); // nothing can be told any more
  for (const end of ends.toReversed()) await end();
  await engine.restart();
  await gatewayOn(t, engine, { env });
  const close = await entries.first(({ text }) => text['action'] === 'close');
  const id = entries.all[0]?.text['connection'] ?? '';
  assert.deepEqual([close.text['event_id'], close.text['close_code'], close.text['orphan']], [`${id}.close`, '1006', 'true']);
});

/** A gateway whose events and commands go by this Redis; seen by a client of it. */
async function seenBy(t: Scope, backend: string, redis: Redis): Promise<void> {
  t.after(() => redis.disconnect());
  const routes = await routesFile(t, `routes:\n  - { path: "/*", dialect: stream, backend: "${backend}?stream=events&commands=orders" }\n`);
  const gateway = await startApp(t, { ROUTES_FILE: routes.path });
  const client = await connect(t, gateway.wsUrl);
  assert.equal(await redis.xlen('events'), 1);
  await redis.xadd('orders', '*', 'action', 'send', 'selector', 'all=true', 'message', 'ordered');
  assert.equal((await client.frames.first(() => true)).text, 'ordered');
}

test('rediss:// speaks TLS, for events and for commands', { skip }, async (t) => {
  const { port } = await startEngine(t, 'redis', speakingTls(await trustedCertificate(t)));
  await seenBy(t, `rediss://localhost:${port}/0`, new Redis(port, 'localhost', { tls: {} }));
});

test('redis+sentinel:// finds the primary, for events and for commands', { skip }, async (t) => {
  const primary = await startEngine(t, 'redis');
  const sentinel = await startSentinel(t, primary);
  await seenBy(t, `redis+sentinel://127.0.0.1:${sentinel.port}/mymaster`, new Redis(primary.port, '127.0.0.1'));
});
