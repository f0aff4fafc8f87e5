import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as elapsed } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { startApp } from '../support/app.ts';
import { ask } from '../support/ask.ts';
import { connect, type Client } from '../support/client.ts';
import { missing, startEngine, type EngineServer } from '../support/engine-server.ts';
import { startGateway, type Gateway } from '../support/gateway.ts';
import { allIn, redisClient } from '../support/redis-streams.ts';
import { routesFile } from '../support/routes-file.ts';

const skip = missing('redis');
const COMMANDS = 'wscommands';

type Scope = Parameters<typeof startApp>[0];

async function envOn(t: Scope, { url }: Pick<EngineServer, 'url'>, claimAfterMs = 60_000): Promise<Record<string, string>> {
  const backend = `${url}/0?commands=${COMMANDS}&claimAfterMs=${claimAfterMs}`;
  const file = await routesFile(t, `routes:\n  - { path: "/:room", dialect: stream, backend: "${backend}", tags: { room: ":room" } }\n`);
  return { ROUTES_FILE: file.path };
}

function command(client: Redis, fields: Record<string, string | Buffer>): Promise<unknown> {
  return client.call('XADD', COMMANDS, '*', ...Object.entries(fields).flat());
}

async function metric({ controlUrl }: Gateway, name: string): Promise<number> {
  const { body } = await ask(`${controlUrl}/metrics`);
  return Number(new RegExp(`^wsaas_stream_commands_${name}_total (\\d+)`, 'm').exec(body)?.[1]);
}

/** What came of the commands that wanted to know, in the order of the answers. */
async function answers(client: Redis, count: number): Promise<Record<string, string>[]> {
  for (let tries = 0; (await client.xlen('answers')) < count && tries < 400; tries += 1) await elapsed(10);
  return (await allIn(client, 'answers')).map(({ text: { command: _id, ...rest } }) => rest);
}

const shown = ({ frames }: Client) => frames.all.map(({ text, isBinary, data }) => (isBinary ? data.toString('hex') : text));

/** All commands are carried out and acknowledged: nothing is left of them. */
async function areDone(client: Redis, limitMs = 5_000): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  while ((await client.xlen(COMMANDS)) > 0) {
    assert.ok(performance.now() < giveUpAt, `${await client.xlen(COMMANDS)} commands are left after ${limitMs} ms`);
    await elapsed(10);
  }
}

test('send, settags and close come from a stream, in its order, and tell what came of them', { skip }, async (t) => {
  const engine = await startEngine(t, 'redis');
  const redis = redisClient(t, engine);
  await command(redis, { action: 'settags', selector: 'room=nobody', message: 'early=1', reply_to: 'answers' }); // before there is a gateway
  const gateway = await startApp(t, await envOn(t, engine));
  const [ann, ben] = [await connect(t, `${gateway.wsUrl}/a`), await connect(t, `${gateway.wsUrl}/b`)];
  await command(redis, { action: 'send', selector: 'room=a', message: 'grüß Gott' });
  await command(redis, {
    action: 'send',
    selector: 'all=true',
    type: 'binary',
    message: Buffer.from([0, 255]),
    reply_to: 'answers',
    correlation_id: 'c1',
  });
  await command(redis, { action: 'settags', selector: 'room=b', message: 'seen=1&room=', reply_to: 'answers' });
  await command(redis, { action: 'send', selector: 'seen=1', message: 'by its new tag' });
  await command(redis, { action: 'close', selector: 'room=a&closeCode=4001&closeReason=enough', message: 'farewell', reply_to: 'answers' });
  assert.deepEqual(await ann.ended, { code: 4001, reason: 'enough' });
  await ben.frames.atLeast(2);
  assert.deepEqual(shown(ann), ['grüß Gott', '00ff', 'farewell']);
  assert.deepEqual(shown(ben), ['00ff', 'by its new tag']);
  assert.deepEqual(await answers(redis, 4), [
    { action: 'settags', outcome: 'ok', matched: '0', sent: '0', failed: '0' },
    { action: 'send', correlation_id: 'c1', outcome: 'ok', matched: '2', sent: '2', failed: '0' },
    { action: 'settags', outcome: 'ok', matched: '1', sent: '1', failed: '0' },
    { action: 'close', outcome: 'ok', matched: '1', sent: '1', failed: '0' },
  ]);
  await areDone(redis);
  assert.equal(await metric(gateway, 'executed'), 6);
});

test(
  'what cannot be understood is a dead letter with the reason, counted and logged, and what came too late is not carried out',
  { skip },
  async (t) => {
    const engine = await startEngine(t, 'redis');
    const redis = redisClient(t, engine);
    const gateway = await startApp(t, { ...(await envOn(t, engine)), MAX_MESSAGE_BYTES: '1000' });
    const client = await connect(t, `${gateway.wsUrl}/a`);
    const bad: Record<string, string | Buffer>[] = [
      { action: 'explode', selector: 'all=true' },
      { selector: 'all=true', message: 'x' },
      { action: 'send', selector: 'room=a&room=b', message: 'x' },
      { action: 'send', selector: 'room=%ff', message: 'x' },
      { action: 'send', selector: 'all=true', message: Buffer.from([0xff]) },
      { action: 'send', selector: 'all=true', message: 'x'.repeat(1_001) },
      { action: 'send', selector: 'all=true', type: 'json', message: 'x' },
      { action: 'send', selector: 'all=true', expires: 'soon', message: 'x' },
      { action: 'settags', selector: 'all=true', message: '{"a":1}' },
      { action: 'settags', selector: 'all=true' },
      { action: 'close', selector: 'all=true&closeCode=1005' },
      { action: 'send', selector: 'all=true', message: 'x', reply_to: 'r'.repeat(300) },
      { action: 'x'.repeat(100_000), selector: 'all=true' },
    ];
    for (const fields of bad) await command(redis, fields);
    await command(redis, { action: 'send', selector: 'all=true', message: 'too late', expires: '1000', reply_to: 'answers' });
    await command(redis, { action: 'send', selector: 'all=true', message: 'in time', expires: String(Date.now() + 60_000) });
    await command(redis, { action: 'send', selector: 'all=true', message: 'reply to no stream', reply_to: 'a text' });
    await redis.set('a text', 'x');
    await client.frames.atLeast(2);
    await areDone(redis);
    assert.deepEqual(
      client.frames.all.map(({ text }) => text),
      ['in time', 'reply to no stream'],
    );
    const dead = await allIn(redis, `${COMMANDS}.dead`);
    assert.deepEqual(
      dead.map(({ text: { reason: _reason, entry: _entry, ...fields } }) => fields),
      bad.map((fields) => Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value.toString()]))),
    );
    assert.ok(dead.every(({ text }) => (text['reason'] ?? '').length > 10 && /^\d+-\d+$/.test(text['entry'] ?? '')));
    assert.match(dead[0]?.text['reason'] ?? '', /^action must be send, settags or close, "explode" came$/);
    assert.equal((await answers(redis, 1))[0]?.['outcome'], 'expired');
    assert.equal(await metric(gateway, 'dropped'), bad.length);
    assert.equal(await metric(gateway, 'expired'), 1);
    assert.equal(gateway.log.all.filter(({ msg }) => msg === 'a command was not carried out').length, bad.length);
  },
);

test('of three nodes each command is carried out by one', { skip }, async (t) => {
  const engine = await startEngine(t, 'redis');
  const redis = redisClient(t, engine);
  const env = { ...(await envOn(t, engine)), CLUSTER_URL: engine.url, CLUSTER_NAME: 'streams' };
  const nodes = await Promise.all(['n1', 'n2', 'n3'].map((name) => startApp(t, { ...env, NODE_NAME: name })));
  const clients = await Promise.all(nodes.map(({ wsUrl }, index) => connect(t, `${wsUrl}/room${index}`)));
  const count = 150;
  for (let number = 0; number < count; number += 1)
    void command(redis, { action: 'send', selector: `room=room${number % 3}`, message: String(number), reply_to: 'answers' });
  const outcomes = await answers(redis, count);
  assert.ok(outcomes.every(({ sent, unreachable }) => sent === '1' && unreachable === undefined));
  await areDone(redis);
  for (const [index, { frames }] of clients.entries()) {
    await frames.atLeast(count / 3);
    const numbers = frames.all.map(({ text }) => Number(text)).toSorted((a, b) => a - b);
    assert.deepEqual(
      numbers,
      Array.from({ length: count / 3 }, (_, place) => 3 * place + index),
      'each once',
    );
  }
  const executed = await Promise.all(nodes.map((node) => metric(node, 'executed')));
  assert.equal(
    executed.reduce((sum, one) => sum + one),
    count,
  );
  assert.ok(executed.filter((one) => one > 0).length > 1, `several nodes shared the work: ${executed.join(', ')}`);
});

/** Does somebody wait for commands now? Redis gives them to it at once, though its process stands still. */
async function waitsForCommands(redis: Redis): Promise<boolean> {
  const clients = (await redis.call('CLIENT', 'LIST')) as string;
  return clients.split('\n').some((line) => line.includes('cmd=xreadgroup') && /\bflags=\w*b/.test(line));
}

test(
  'commands that a node had taken when it was killed are carried out by another within the claim time and five seconds',
  { skip },
  async (t) => {
    const engine = await startEngine(t, 'redis');
    const redis = redisClient(t, engine);
    const env = await envOn(t, engine, 1_000);
    const dying = await startGateway(t, env);
    while (!(await waitsForCommands(redis))) await elapsed(10);
    dying.process.kill('SIGSTOP');
    for (let number = 0; number < 3; number += 1)
      await command(redis, { action: 'send', selector: 'all=true', message: String(number), reply_to: 'answers' });
    const [pending] = (await redis.xpending(COMMANDS, 'wsaas')) as [number];
    assert.ok(pending > 0, 'the node that stands still has taken some');
    dying.process.kill('SIGKILL');
    const heir = await startApp(t, env);
    const client = await connect(t, `${heir.wsUrl}/a`);
    await client.frames.atLeast(1, undefined, 6_000);
    await areDone(redis, 6_000);
    const told = (await answers(redis, 3)).map(({ outcome }) => outcome);
    assert.deepEqual(told, ['ok', 'ok', 'ok']);
    assert.equal(await metric(heir, 'claimed'), pending);
  },
);

test('a command that every consumer dies of is given up; the broker’s restart loses none', { skip }, async (t) => {
  const engine = await startEngine(t, 'redis');
  const redis = redisClient(t, engine);
  await redis.call('XGROUP', 'CREATE', COMMANDS, 'wsaas', '0', 'MKSTREAM');
  await command(redis, { action: 'send', selector: 'all=true', message: 'deadly' });
  await redis.call('XREADGROUP', 'GROUP', 'wsaas', 'dead', 'COUNT', '1', 'STREAMS', COMMANDS, '>');
  const [[id]] = (await redis.xrange(COMMANDS, '-', '+')) as unknown as [[string]];
  for (let death = 0; death < 5; death += 1) await redis.call('XCLAIM', COMMANDS, 'wsaas', 'dead', '0', id);
  const gateway = await startApp(t, await envOn(t, engine, 200));
  const client = await connect(t, `${gateway.wsUrl}/a`);
  await areDone(redis);
  const [dead] = await allIn(redis, `${COMMANDS}.dead`);
  assert.match(dead?.text['reason'] ?? '', /^it was taken 6 times and never acknowledged/);
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await command(redis, { action: 'send', selector: 'all=true', message: 'after it' });
  await client.frames.first(({ text }) => text === 'after it');
  assert.ok(!client.frames.all.some(({ text }) => text === 'deadly'));
});
