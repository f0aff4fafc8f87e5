import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { ConfigError, createGateway, type Client, type Gateway, type GatewayOptions, type Handlers } from '../../src/index.ts';
import { startBackend } from '../support/backend.ts';
import { connect, type Client as Peer } from '../support/client.ts';
import { host, isCall, recorded } from '../support/hosted.ts';

const ECHO: Handlers = { onMessage: (client, data) => client.send(data) };
const IN_ROOMS = (backend: Handlers) => ({ routes: [{ path: '/:room', tags: { room: ':room' }, backend }] });

/** Resolves when everything that was sent to this client before has come. */
async function settled(peer: Peer): Promise<string[]> {
  const mark = `mark ${peer.frames.all.length}`;
  peer.ws.send(mark);
  await peer.frames.first(({ text }) => text === mark);
  return peer.frames.all.map(({ text }) => text).filter((text) => !text.startsWith('mark'));
}

test('text stays text and bytes stay bytes, both ways, unless told otherwise', async (t) => {
  const heard: unknown[] = [];
  const { wsUrl } = await host(t, {
    onMessage(client, data, isText) {
      heard.push([data, isText]);
      assert.equal(client.send(data), 'sent');
      if (isText) client.send(data, { binary: true });
      else client.send(new Uint8Array(data as Buffer), { binary: false });
    },
  });
  const peer = await connect(t, wsUrl);
  peer.ws.send('é');
  peer.ws.send(Buffer.from('ü'));
  const frames = await peer.frames.atLeast(4);
  assert.deepEqual(heard, [
    ['é', true],
    [Buffer.from('ü'), false],
  ]);
  assert.deepEqual(
    frames.map(({ text, isBinary }) => [text, isBinary]),
    [
      ['é', false],
      ['é', true],
      ['ü', true],
      ['ü', false],
    ],
  );
});

test('send says what became of the frame, and throws for what is none', async (t) => {
  const seen: unknown[] = [];
  const own = recorded({
    onOpen: (client) => void seen.push(client.isOpen, client.send('early')),
    onMessage(client) {
      seen.push(client.isOpen, client.send('x'.repeat(101)), client.send(Buffer.alloc(1_000_000)), client.send('late'));
      assert.throws(() => client.send(Buffer.from([0xc3, 0x28]), { binary: false }), TypeError);
      assert.throws(() => client.send(5 as never), /a message must be a string or bytes .* 5 came/);
      assert.throws(() => client.close(1005), RangeError);
      assert.throws(() => client.close(999), RangeError);
      assert.throws(() => client.close(4000, 'x'.repeat(124)), RangeError);
      assert.throws(() => client.setTags({ a: 'x'.repeat(200) }), RangeError);
      assert.throws(() => client.setTags({ a: 1 as never }), TypeError);
      client.setTags({ a: 'b' });
      seen.push(client.tags);
      client.setTags({ a: '' });
      seen.push(client.tags);
      client.close(4000, 'done');
      seen.push(client.isOpen, client.send('gone'));
    },
  });
  const { wsUrl } = await host(t, own.handlers, { options: { MAX_MESSAGE_BYTES: 100 } });
  const peer = await connect(t, wsUrl);
  peer.ws.send('go');
  assert.deepEqual(await peer.ended, { code: 4000, reason: 'done' });
  assert.deepEqual(seen, [false, 'queued', true, 'too-long', 'too-long', 'sent', { a: 'b' }, {}, false, 'gone']);
  assert.deepEqual(
    peer.frames.all.map(({ text }) => text),
    ['early', 'late'],
  );
});

test('a client that reads too slowly is told by slow, and onDrained when nothing is left', async (t) => {
  const own = recorded({
    onMessage(client) {
      const chunk = Buffer.alloc(50_000);
      while (client.send(chunk) === 'sent');
      assert.ok(client.pendingBytes > 100_000);
    },
  });
  const { wsUrl } = await host(t, own.handlers, { options: { SEND_BUFFER_BYTES: 200_000 } });
  const peer = await connect(t, wsUrl);
  peer.ws.pause();
  peer.ws.send('go');
  const { client } = await own.calls.first(isCall('onMessage'));
  assert.equal(own.calls.all.some(isCall('onDrained')), false);
  peer.ws.resume();
  await own.calls.first(isCall('onDrained', client));
  assert.equal(client.pendingBytes, 0);
  peer.ws.close();
  await own.calls.first(isCall('onClose', client));
  assert.equal(own.calls.all.filter(isCall('onDrained')).length, 1);
});

test('selections: count, send, tags, close, each, except one', async (t) => {
  const clients: Client[] = [];
  const { gateway, wsUrl } = await host(t, {}, IN_ROOMS({ ...ECHO, onOpen: (client) => void clients.push(client) }));
  const [a, b, c] = [await connect(t, `${wsUrl}/x`), await connect(t, `${wsUrl}/x`), await connect(t, `${wsUrl}/y`)];
  const [first, second] = clients as [Client, Client];
  assert.deepEqual([await gateway.count(), await gateway.count({ room: 'x' }), await gateway.count({})], [3, 2, 0]);
  assert.equal(await gateway.count({ id: [first.id, second.id, 'nobody'] }), 2);
  const sent = await gateway.send({ room: 'x' }, 'hello', { except: first });
  assert.deepEqual(sent, { matched: 1, sent: 1, failed: 0, unreachable: [] });
  assert.equal((await gateway.send({ all: true }, Buffer.from('bytes'))).sent, 3);
  assert.equal((await gateway.send({}, 'nobody')).matched, 0);
  assert.deepEqual([await settled(a), await settled(b), await settled(c)], [['bytes'], ['hello', 'bytes'], ['bytes']]);
  assert.equal(await gateway.setTags({ room: 'x' }, { seen: '1' }), 2);
  assert.equal(await gateway.setTags({ room: 'x' }, { seen: '1' }), 0);
  assert.equal(await gateway.count({ seen: '1', room: 'x' }), 2);
  await assert.rejects(gateway.setTags({ all: true }, { id: 'x' }), RangeError);
  const met: Client[] = [];
  assert.equal(await gateway.each((client) => void met.push(client), { except: second.id }), 2);
  assert.deepEqual(met, [first, clients[2]]);
  await assert.rejects(
    gateway.each(() => {
      throw new Error('enough');
    }),
    /enough/,
  );
  assert.equal(gateway.client(first.id), first);
  assert.equal(gateway.client('nobody'), undefined);
  assert.equal(await gateway.push(first.id, 'you', { idempotencyKey: 'k' }), 'sent');
  assert.equal(await gateway.push(first.id, 'you', { idempotencyKey: 'k' }), 'sent');
  assert.equal(await gateway.push('nobody', 'you'), 'gone');
  assert.deepEqual(await settled(a), ['bytes', 'you']);
  assert.equal(await gateway.closeAll({ room: 'x' }, { code: 4002, reason: 'over', message: 'bye' }), 2);
  for (const { ended } of [a, b]) assert.deepEqual(await ended, { code: 4002, reason: 'over' });
  assert.equal(a.frames.all.at(-1)?.text, 'bye');
  await assert.rejects(gateway.closeAll({ all: true }, { code: 1006 }), RangeError);
});

test('a selector that could be meant in another way is a mistake', async (t) => {
  const { gateway } = await host(t, ECHO);
  for (const wrong of [null, 'all', [], { all: true, room: 'x' }, { all: 'yes' }, { id: 5 }, { limit: '3' }, { room: 5 }])
    await assert.rejects(gateway.send(wrong as never, 'x'), TypeError, JSON.stringify(wrong));
});

test('each gives the event loop its turn when 5 ms are over', async (t) => {
  const { gateway } = await host(t, ECHO);
  await gateway.simulate(40);
  let turns = 0;
  const ticking = setInterval(() => (turns += 1), 0);
  const count = await gateway.each(() => {
    for (const end = performance.now() + 1; performance.now() < end;);
  });
  clearInterval(ticking);
  assert.equal(count, 40);
  assert.ok(turns >= 3, `${turns} turns`);
});

test('observers hear of clients of every backend, with one object for each; one that is taken off hears no more', async (t) => {
  const backend = await startBackend(t);
  const { gateway, wsUrl } = await host(t, ECHO, {
    routes: [
      { path: '/here', backend: ECHO },
      { path: '/there', backend: backend.url },
    ],
  });
  const heard: [string, Client, ...unknown[]][] = [];
  gateway.on('open', (client, { path }) => heard.push(['open', client, path]));
  const off = gateway.on('message', (client, data, isText) => heard.push(['message', client, data, isText]));
  const ended = Promise.withResolvers<void>();
  gateway.on('close', (client, code, reason) => {
    heard.push(['close', client, code, reason]);
    if (heard.length === 6) ended.resolve();
  });
  for (const path of ['/here', '/there']) {
    const { ws, ended: gone } = await connect(t, wsUrl + path);
    ws.send('hello');
    ws.close(4001, 'mine');
    await gone;
  }
  await ended.promise;
  const [here, there] = [heard[0]?.[1], heard[3]?.[1]] as [Client, Client];
  assert.notEqual(here, there);
  assert.deepEqual(
    heard,
    [here, there].flatMap((client, index) => [
      ['open', client, index === 0 ? '/here' : '/there'],
      ['message', client, 'hello', true],
      ['close', client, 4001, 'mine'],
    ]),
  );
  off();
  const { ws } = await connect(t, `${wsUrl}/here`);
  ws.send('unheard');
  ws.close();
  assert.throws(() => gateway.on('drained' as 'open', () => {}), /observers of open, message, close/);
});

test('a handlers factory gets the gateway, once, and this is kept for instances of classes', async (t) => {
  let made = 0;
  class Chat {
    readonly #gateway: Gateway;
    constructor(gateway: Gateway) {
      this.#gateway = gateway;
    }
    async onMessage(client: Client, data: string | Buffer): Promise<void> {
      await this.#gateway.send({ all: true }, data, { except: client });
    }
  }
  const factory = (gateway: Gateway): Chat => {
    made += 1;
    return new Chat(gateway);
  };
  const { wsUrl } = await host(t, {}, { routes: ['/a', '/b'].map((path) => ({ path, backend: factory })) });
  const [a, b] = [await connect(t, `${wsUrl}/a`), await connect(t, `${wsUrl}/b`)];
  a.ws.send('hello');
  assert.equal((await b.frames.first(() => true)).text, 'hello');
  assert.equal(made, 1);
});

test('clients that choose their ids are served by handlers, too', async (t) => {
  const own = recorded({ onMessage: (client, data) => client.send(`${client.id}: ${String(data)}`) });
  const { gateway, wsUrl } = await host(t, {}, { routes: [{ path: '/:id', dialect: 'raw', backend: own.handlers }] });
  const first = await connect(t, `${wsUrl}/CP1`);
  first.ws.send('x');
  assert.equal((await first.frames.first(() => true)).text, 'CP1: x');
  assert.equal(await gateway.push('CP1', 'pushed'), 'sent');
  await connect(t, `${wsUrl}/CP1`);
  assert.equal((await first.ended).code, 4409);
  assert.equal(gateway.client('CP1')?.isOpen, true);
});

test('simulated clients have everything but a network', async (t) => {
  const own = recorded({ onOpen: (client) => (client.path === '/no' ? { refuse: 403 } : { message: 'welcome' }), ...ECHO });
  const { gateway } = await host(t, {}, IN_ROOMS(own.handlers));
  assert.equal((await gateway.simulate(3, { path: '/no' })).refused, 3);
  const crowd = await gateway.simulate(300, { path: '/x', query: { a: '1' }, tags: { kind: 'simulated' } });
  assert.deepEqual([crowd.open, crowd.refused, crowd.received], [300, 0, 300]);
  assert.equal(await gateway.count({ room: 'x', kind: 'simulated' }), 300);
  crowd.say('hello');
  await own.calls.atLeast(300, isCall('onMessage'));
  assert.equal((await gateway.send({ room: 'x' }, 'all')).sent, 300);
  assert.equal(crowd.received, 900);
  await crowd.leave();
  await own.calls.atLeast(300, isCall('onClose'));
  assert.deepEqual([crowd.open, crowd.received, await gateway.count()], [0, 900, 0]);
  await assert.rejects(gateway.simulate(1, { path: '/a/b' }), /no route has the path/);
});

test('a port in use rejects; close is fine before listen, after a failure, and twice', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const given: GatewayOptions = {
    options: { HOST: '127.0.0.1', PORT: port, LOG_LEVEL: 'SILENT' },
    routes: [{ path: '/*', backend: ECHO }],
  };
  const gateway = await createGateway(given);
  await assert.rejects(gateway.listen(), { code: 'EADDRINUSE' });
  await Promise.all([gateway.close(), gateway.close()]);
  await gateway.close();
  await assert.rejects(gateway.listen(), /closed; make another/);
  await (await createGateway(given)).close();
});

test('several gateways live in one process; what one does is none of the other’s, and the process is left as it was', async (t) => {
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'uncaughtException', 'unhandledRejection', 'warning', 'exit', 'beforeExit'];
  const before = signals.map((name) => process.listenerCount(name));
  const [one, two] = [
    await host(t, { onMessage: (client) => client.send('one') }),
    await host(t, { onMessage: (client) => client.send('two') }),
  ];
  const [a, b] = [await connect(t, one.wsUrl), await connect(t, two.wsUrl)];
  a.ws.send('x');
  b.ws.send('x');
  assert.deepEqual([(await a.frames.first(() => true)).text, (await b.frames.first(() => true)).text], ['one', 'two']);
  assert.deepEqual([await one.gateway.count(), await two.gateway.count()], [1, 1]);
  assert.notEqual(one.gateway.node, two.gateway.node);
  await one.gateway.close();
  b.ws.send('x');
  await b.frames.atLeast(2);
  assert.deepEqual(
    signals.map((name) => process.listenerCount(name)),
    before,
  );
});

const everywhere = (backend: unknown): GatewayOptions => ({
  options: { LOG_LEVEL: 'SILENT' },
  routes: [{ path: '/*', backend: backend as Handlers }],
});

test('a factory that throws rejects, and what it makes must be handlers', async () => {
  await assert.rejects(
    createGateway(
      everywhere(() => {
        throw new RangeError('mine');
      }),
    ),
    { name: 'RangeError', message: 'mine' },
  );
  for (const made of [Promise.resolve(ECHO), {}, null, { onMessage: 5 }])
    await assert.rejects(createGateway(everywhere(() => made)), ConfigError, JSON.stringify(made));
});
