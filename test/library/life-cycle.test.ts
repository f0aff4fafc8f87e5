import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Client } from '../../src/index.ts';
import { connect, refusal } from '../support/client.ts';
import { ENDINGS } from '../support/endings.ts';
import { freshPath, wholeFile } from '../support/guests.ts';
import { host, isCall, recorded, storyOf } from '../support/hosted.ts';
import { closeFrame, frame, openRaw, TEXT, upgradeRaw, upgradeRequest, type RawSocket } from '../support/raw-socket.ts';

const { handlers, calls } = recorded();
const scene = await host(wholeFile, handlers, { options: { MAX_MESSAGE_BYTES: 1_000, CLOSE_TIMEOUT_MS: 300 } });

/** The client that asked for this path. */
async function clientAt(path: string): Promise<Client> {
  return (await calls.first(({ name, client }) => name === 'onOpen' && client.path === path)).client;
}

async function rawGuest(t: TestContext): Promise<RawSocket & { readonly client: Client }> {
  const path = freshPath();
  const raw = await upgradeRaw(t, scene.wsUrl, { path });
  return { ...raw, client: await clientAt(path) };
}

for (const [what, bytes, answered, expected] of ENDINGS) {
  test(`${what}: the client gets ${answered}, onClose is told ${expected}, once and last`, async (t) => {
    const raw = await rawGuest(t);
    raw.write(frame(TEXT, 'before'), bytes);
    assert.equal(await raw.closeCode, answered);
    const { parts } = await calls.first(isCall('onClose', raw.client));
    await raw.ended;
    assert.equal(parts[0], expected);
    if (expected === 4321) assert.equal(parts[1], 'mine');
    assert.deepEqual(storyOf(calls, raw.client), ['onOpen', 'before', `onClose ${expected}`]);
    assert.equal(raw.client.isOpen, false);
    assert.equal(raw.client.send('late'), 'gone');
  });
}

test('a connection that just drops is 1006, reset or not', async (t) => {
  for (const end of ['destroy', 'resetAndDestroy', 'end'] as const) {
    const raw = await rawGuest(t);
    raw.socket[end]();
    await calls.first(isCall('onClose', raw.client));
    assert.deepEqual(storyOf(calls, raw.client), ['onOpen', 'onClose 1006'], end);
  }
});

test('a client that is closed by its handler and never answers is told as 1006', async (t) => {
  const raw = await rawGuest(t);
  raw.client.close(4009, 'enough');
  assert.equal(await raw.closeCode, 4009);
  await calls.first(isCall('onClose', raw.client));
  assert.deepEqual(storyOf(calls, raw.client), ['onOpen', 'onClose 1006']);
});

test('when both sides close, the frame that came first gives code and reason, and there is one onClose', async (t) => {
  const raw = await rawGuest(t);
  raw.client.close(4010, 'ours');
  await raw.closeCode;
  raw.write(closeFrame(4011, 'theirs'));
  const { parts } = await calls.first(isCall('onClose', raw.client));
  assert.deepEqual(parts, [4010, 'ours']);
  assert.deepEqual(storyOf(calls, raw.client), ['onOpen', 'onClose 4010']);
});

test('one object stands for a client in all callbacks, and what is kept with it stays', async (t) => {
  const path = freshPath();
  const ws = await connect(t, scene.wsUrl + path);
  const client = await clientAt(path);
  client.data = { name: 'Ada' };
  ws.ws.send('x');
  await calls.first(isCall('onMessage', client));
  ws.ws.close(1000);
  const end = await calls.first(isCall('onClose', client));
  assert.deepEqual(end.client.data, { name: 'Ada' });
});

test('an accepted client that left before its upgrade has one onClose, and no message', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const own = recorded({ onOpen: () => promise });
  const { wsUrl } = await host(t, own.handlers);
  const raw = await openRaw(t, wsUrl);
  raw.write(upgradeRequest({ path: '/gone' }), frame(TEXT, 'unheard'));
  const { client } = await own.calls.first(isCall('onOpen'));
  raw.socket.resetAndDestroy();
  await new Promise((done) => raw.socket.once('close', done));
  await new Promise((done) => setImmediate(done));
  resolve();
  await own.calls.first(isCall('onClose', client));
  assert.deepEqual(storyOf(own.calls, client), ['onOpen', 'onClose 1006']);
});

test('a refused client has no further callback', async (t) => {
  const own = recorded({ onOpen: () => ({ refuse: 403 }) });
  const { wsUrl, gateway } = await host(t, own.handlers);
  await refusal(t, wsUrl);
  await gateway.close();
  assert.deepEqual(
    own.calls.all.map(({ name }) => name),
    ['onOpen'],
  );
});

test('frames that come with the upgrade wait for onOpen; then everything is in order, one at a time', async (t) => {
  let isRunning = false;
  const heard: string[] = [];
  const { wsUrl } = await host(t, {
    onOpen: async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      heard.push('open');
    },
    async onMessage(client, data) {
      assert.equal(isRunning, false);
      isRunning = true;
      await new Promise((resolve) => setTimeout(resolve, heard.length % 3));
      heard.push(String(data));
      isRunning = false;
      if (data === '9') client.send('done');
    },
  });
  const raw = await openRaw(t, wsUrl);
  const words = Array.from({ length: 10 }, (_, index) => String(index));
  raw.write(Buffer.concat([Buffer.from(upgradeRequest()), ...words.map((word) => frame(TEXT, word))]));
  await raw.frames.first(({ payload }) => payload.toString() === 'done');
  assert.deepEqual(heard, ['open', ...words]);
});

test('in a drain each client has one onShutdown while it can be written to, then the goodbye, then onClose', async (t) => {
  const own = recorded({
    onShutdown: (client) => {
      assert.equal(client.send('last word'), 'sent');
      return new Promise(() => {}); // nobody waits for it
    },
  });
  const { wsUrl, gateway } = await host(t, own.handlers);
  const guests = await Promise.all(Array.from({ length: 5 }, () => connect(t, wsUrl)));
  await own.calls.atLeast(5, isCall('onOpen'));
  await Promise.all([gateway.close(), gateway.close()]);
  for (const { ended, frames } of guests) {
    assert.deepEqual(await ended, { code: 1001, reason: 'going away' });
    assert.deepEqual(
      frames.all.map(({ text }) => text),
      ['last word'],
    );
  }
  const clients = new Set(own.calls.all.map(({ client }) => client));
  assert.equal(clients.size, 5);
  for (const client of clients) assert.deepEqual(storyOf(own.calls, client), ['onOpen', 'onShutdown', 'onClose 1001']);
});

test('a client that is being let in when the drain begins hears its goodbye once it is open', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const own = recorded({ onOpen: () => promise, onShutdown: (client) => client.send('last word') });
  const { wsUrl, gateway } = await host(t, own.handlers);
  const coming = connect(t, wsUrl);
  const { client } = await own.calls.first(isCall('onOpen'));
  const closed = gateway.close();
  await new Promise((done) => setTimeout(done, 60));
  resolve();
  const { ended, frames } = await coming;
  assert.equal((await ended).code, 1001);
  await closed;
  assert.deepEqual(
    frames.all.map(({ text }) => text),
    ['last word'],
  );
  assert.deepEqual(storyOf(own.calls, client), ['onOpen', 'onShutdown', 'onClose 1001']);
});
