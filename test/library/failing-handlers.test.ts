import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Admission } from '../../src/index.ts';
import { connect, refusal } from '../support/client.ts';
import { host, isCall, recorded, storyOf } from '../support/hosted.ts';

const boom = (): never => {
  throw new Error('boom');
};

for (const [how, fail] of [
  ['throws', boom],
  ['rejects', () => Promise.reject(new Error('boom'))],
] as const) {
  test(`an onMessage that ${how} costs its client 1011, what waits behind is not delivered, and others feel nothing`, async (t) => {
    const own = recorded({ onMessage: (client, data) => (data === 'bad' ? fail() : client.send(data)) });
    const { wsUrl, log } = await host(t, own.handlers);
    const other = await connect(t, wsUrl);
    const victim = await connect(t, wsUrl);
    for (const word of ['good', 'bad', 'behind']) victim.ws.send(word);
    assert.deepEqual(await victim.ended, { code: 1011, reason: 'the message failed' });
    const { client } = await own.calls.first(isCall('onClose'));
    assert.deepEqual(storyOf(own.calls, client), ['onOpen', 'good', 'bad', 'onClose 1011']);
    other.ws.send('still here');
    await other.frames.first(({ text }) => text === 'still here');
    const line = await log.first(({ msg }) => msg === 'a callback threw, its client is closed with 1011');
    assert.deepEqual([line['id'], line['callback'], (line['err'] as Error).message], [client.id, 'onMessage', 'boom']);
  });

  test(`an onOpen that ${how} is 502, and no callback follows`, async (t) => {
    const own = recorded({ onOpen: fail });
    const { wsUrl, gateway } = await host(t, own.handlers);
    const { status, body } = await refusal(t, wsUrl);
    assert.equal(status, 502);
    assert.ok(!body.includes('boom'), 'what a handler throws is for the log');
    await gateway.close();
    assert.equal(own.calls.all.length, 1);
  });

  test(`an onClose that ${how} is called again until it does not`, async (t) => {
    let attempts = 0;
    const own = recorded({ onClose: () => ((attempts += 1) < 3 ? fail() : undefined) });
    const { wsUrl } = await host(t, own.handlers);
    const { ws } = await connect(t, wsUrl);
    ws.close(4001, 'mine');
    const all = await own.calls.atLeast(3, isCall('onClose'));
    for (const { parts, client } of all) assert.deepEqual([...parts, client], [4001, 'mine', all[0]?.client]);
    const next = await connect(t, wsUrl);
    next.ws.send('x');
    await own.calls.first(isCall('onMessage'));
    assert.equal(attempts, 3);
  });
}

test('an onMessage that never ends is 1011 after BACKEND_TIMEOUT_MS, and delays only its own client', async (t) => {
  const own = recorded({ onMessage: (client, data) => (data === 'hang' ? new Promise(() => {}) : client.send(data)) });
  const { wsUrl } = await host(t, own.handlers, { options: { BACKEND_TIMEOUT_MS: 300 } });
  const victim = await connect(t, wsUrl);
  const other = await connect(t, wsUrl);
  victim.ws.send('hang');
  victim.ws.send('behind');
  await own.calls.first(isCall('onMessage'));
  other.ws.send('quick');
  await other.frames.first(({ text }) => text === 'quick', 250);
  assert.equal((await victim.ended).code, 1011);
  const { client } = await own.calls.first(isCall('onClose'));
  assert.deepEqual(storyOf(own.calls, client), ['onOpen', 'hang', 'onClose 1011']);
});

test('an onOpen over OPEN_TIMEOUT_MS is 504, followed by one onClose, and what it returns later lets nobody in', async (t) => {
  const { promise, resolve } = Promise.withResolvers<Admission>();
  const own = recorded({ onOpen: () => promise });
  const { wsUrl, gateway } = await host(t, own.handlers, { options: { OPEN_TIMEOUT_MS: 100 } });
  assert.equal((await refusal(t, wsUrl)).status, 504);
  const { parts } = await own.calls.first(isCall('onClose'));
  assert.deepEqual(parts, [1006, 'open unanswered']);
  resolve({ tags: { late: 'yes' } });
  assert.equal(await gateway.count(), 0);
  await gateway.close();
  assert.equal(own.calls.all.length, 2);
});

test('a client that talks more than its handler takes is read no further; nothing is lost', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let heard = 0;
  const { wsUrl, gateway } = await host(
    t,
    {
      async onMessage(client, data) {
        if (data === 'ping') return client.send('pong');
        await promise;
        heard += 1;
        return heard === 2_000 ? client.send('all') : null;
      },
    },
    { options: { INBOX_MESSAGES: 4 } },
  );
  let read = 0;
  gateway.on('message', () => (read += 1));
  const guest = await connect(t, wsUrl);
  const other = await connect(t, wsUrl);
  const word = 'x'.repeat(1_000);
  for (let count = 0; count < 2_000; count += 1) guest.ws.send(word);
  for (let count = 1; count <= 5; count += 1) {
    other.ws.send('ping');
    await other.frames.atLeast(count);
  }
  assert.ok(read < 300, `${read} messages were read`); // an inbox, and what came in the same read
  resolve();
  await guest.frames.first(({ text }) => text === 'all');
});

test('what onDrained, onShutdown and observers throw is told, and costs nobody anything', async (t) => {
  const { wsUrl, gateway, log } = await host(t, { onMessage: (client, data) => client.send(data), onShutdown: boom });
  gateway.on('message', boom);
  gateway.on('open', () => Promise.reject(new Error('boom')) as never);
  const guest = await connect(t, wsUrl);
  guest.ws.send('x');
  await guest.frames.first(({ text }) => text === 'x');
  await log.atLeast(2, ({ msg }) => msg === 'an observer threw');
  await gateway.close();
  assert.equal((await guest.ended).code, 1001);
  assert.equal(log.all.find(({ msg }) => msg === 'a callback threw')?.['callback'], 'onShutdown');
});
