import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startBackend, type Call } from '../support/backend.ts';
import { startApp } from '../support/app.ts';
import { enter, freshPath, isEvent, openOf, wholeFile } from '../support/guests.ts';
import { closeFrame, frame, PING, PONG, TEXT, upgradeRaw, type RawSocket } from '../support/raw-socket.ts';

const WS_TIMEOUT_MS = 200;
const backend = await startBackend(wholeFile);
const gateway = await startApp(wholeFile, { API_URI: backend.url, WS_TIMEOUT: String(WS_TIMEOUT_MS), CLOSE_TIMEOUT_MS: '200' });
const scene = { gateway, backend };

async function rawGuest(t: Parameters<typeof upgradeRaw>[0]): Promise<RawSocket & { readonly id: string }> {
  const path = freshPath();
  const raw = await upgradeRaw(t, gateway.wsUrl, { path });
  return { ...raw, id: String((await openOf(scene, path)).headers['ws-connection']) };
}

const told = (call: Call): readonly unknown[] => {
  const { close_code: code, close_reason: reason } = JSON.parse(call.text) as Record<string, unknown>;
  return [code, reason];
};

suite('WS_TIMEOUT', { concurrency: true }, () => {
  test('a silent client is pinged, and its pong keeps it', async (t) => {
    let pings = 0;
    const guest = await enter(t, scene);
    guest.ws.on('ping', () => (pings += 1));
    const startedAt = Date.now();
    await new Promise<void>((resolve) => guest.ws.on('ping', () => pings === 4 && resolve()));
    const spanMs = Date.now() - startedAt;
    assert.ok(spanMs >= 4 * WS_TIMEOUT_MS * 0.9, `4 pings in ${spanMs} ms`);
    assert.equal((await guest.push('alive')).status, 200);
    assert.equal(backend.calls.all.filter(({ headers }) => headers['ws-connection'] === guest.id).length, 1, 'no pong reaches the backend');
  });

  test('a client that sends anything is not pinged', async (t) => {
    const raw = await rawGuest(t);
    for (let index = 0; index < 12; index += 1) {
      raw.write(index % 2 === 0 ? frame(TEXT, 'x') : frame(PONG));
      await new Promise((resolve) => setTimeout(resolve, WS_TIMEOUT_MS / 4));
    }
    assert.equal(raw.frames.all.filter(({ opcode }) => opcode === PING).length, 0);
  });

  test('a half-open peer that says nothing is found: 1006, ping timeout', async (t) => {
    const raw = await rawGuest(t);
    const startedAt = Date.now();
    assert.equal(await raw.closeCode, 1001);
    const spanMs = Date.now() - startedAt;
    assert.ok(spanMs >= 2 * WS_TIMEOUT_MS * 0.9 && spanMs < 4 * WS_TIMEOUT_MS + 500, `closed after ${spanMs} ms`);
    await raw.ended;
    assert.deepEqual(told(await backend.calls.first(isEvent('close', raw.id))), [1006, 'ping timeout']);
  });

  test('one that answers no ping but the close frame: 1001', async (t) => {
    const raw = await rawGuest(t);
    assert.equal(await raw.closeCode, 1001);
    raw.write(closeFrame(1001));
    assert.deepEqual(told(await backend.calls.first(isEvent('close', raw.id))), [1001, 'ping timeout']);
  });

  test('one that reads nothing at all any more is found too', async (t) => {
    const raw = await rawGuest(t);
    raw.socket.pause();
    const [code] = told(await backend.calls.first(isEvent('close', raw.id)));
    assert.equal(code, 1006);
  });

  test('a client whose messages the backend is slow to take is not mistaken for a silent one', async (t) => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const own = await startBackend(t, async (call) => {
      if (isEvent('message')(call)) await held;
      return { body: '{"code":"OK"}' };
    });
    const other = { backend: own, gateway: await startApp(t, { API_URI: own.url, WS_TIMEOUT: '100', INBOX_MESSAGES: '2' }) };
    const guest = await enter(t, other);
    for (let index = 0; index < 20; index += 1) guest.ws.send('x'.repeat(10_000));
    await new Promise((resolve) => setTimeout(resolve, 600)); // six such spans: it cannot read our pongs' worth, we do not read its
    assert.equal(guest.ws.readyState, guest.ws.OPEN);
    release();
    await own.calls.atLeast(20, isEvent('message', guest.id));
  });

  test('0 turns it off', async (t) => {
    const quiet = { backend, gateway: await startApp(t, { API_URI: backend.url, WS_TIMEOUT: '0' }) };
    const path = freshPath();
    const raw = await upgradeRaw(t, quiet.gateway.wsUrl, { path });
    const open = await openOf(quiet, path);
    assert.equal((JSON.parse(open.text) as { timeout: number }).timeout, 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(raw.frames.all.length, 0);
    assert.equal(raw.socket.destroyed, false);
  });
});
