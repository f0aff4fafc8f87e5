import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite, test, type TestContext } from 'node:test';
import { startBackend, type Backend, type Handler } from '../support/backend.ts';
import { connect } from '../support/client.ts';
import { startGateway, workerPids, type GatewayProcess } from '../support/gateway.ts';
import { enter, freshPath, isEvent, isOpenOf, ok, openOf } from '../support/guests.ts';
import { CLOSE, closeFrame, frame, openRaw, PING, PONG, TEXT, upgradeRaw, upgradeRequest } from '../support/raw-socket.ts';
import { signalTo } from '../support/signals.ts';

const FROZEN_MS = 5_000;
const SPAN_MS = 2_000;
/** Whoever was frozen too, as on one paused machine, answers so long after the waking: well within SPAN_MS. */
const LATE_MS = 400;

type Scene = { readonly gateway: GatewayProcess; readonly backend: Backend };

async function scene(t: TestContext, env: Record<string, string>, handler?: Handler): Promise<Scene> {
  const backend = await startBackend(t, handler);
  return { backend, gateway: await startGateway(t, { API_URI: backend.url, ...env }) };
}

/** The process does not run for FROZEN_MS; the sleep is what is tested. Resolves when its peers are late, too. */
async function freeze({ gateway }: Scene): Promise<void> {
  signalTo(gateway.pid, 'SIGSTOP');
  await sleep(FROZEN_MS);
  signalTo(gateway.pid, 'SIGCONT');
  await sleep(LATE_MS);
}

const span = String(SPAN_MS);

suite('a gateway that was frozen for 5 s, whose every time-out is 2 s', { concurrency: true }, () => {
  test('cuts off none of its clients at waking, and still finds the one that is silent', async (t) => {
    const all = await scene(t, { WS_TIMEOUT: span });
    const guests = await Promise.all(Array.from({ length: 50 }, () => enter(t, all)));
    const slow = await upgradeRaw(t, all.gateway.wsUrl, { path: freshPath() });
    const silent = await upgradeRaw(t, all.gateway.wsUrl, { path: freshPath() });
    const silentEnded = silent.closeCode.then((code) => ({ code, at: performance.now() }));
    await slow.frames.first(({ opcode }) => opcode === PING);
    await freeze(all); // with a ping on its way
    const wokenAt = performance.now() - LATE_MS;
    slow.write(frame(PONG), frame(TEXT, 'still here'));
    await all.backend.calls.first(({ text }) => text === 'still here');
    for (const guest of guests) assert.equal((await guest.push('you, too')).status, 200);
    assert.ok(slow.frames.all.every(({ opcode }) => opcode !== CLOSE));
    const { code, at } = await silentEnded;
    assert.equal(code, 1001);
    assert.ok(at > wokenAt && at - wokenAt < 2 * SPAN_MS + 1_000, `closed ${at - wokenAt} ms after the waking`);
  });

  test('waits for the rest of a request that had begun', async (t) => {
    const all = await scene(t, { HANDSHAKE_TIMEOUT_MS: span });
    const guest = await enter(t, all);
    const whole = upgradeRequest({ path: freshPath() });
    const [half, pushing, lazy] = await Promise.all([
      openRaw(t, all.gateway.publicUrl),
      openRaw(t, all.gateway.publicUrl),
      openRaw(t, all.gateway.publicUrl),
    ]);
    half.write(whole.slice(0, 40));
    pushing.write(`PUT /${guest.id} HTTP/1.1\r\nHost: gateway\r\nContent-Length: 6\r\n\r\nhal`);
    lazy.write(whole.slice(0, 40));
    await guest.push('these bytes have been read'); // on a connection of its own, behind them
    await freeze(all);
    half.write(whole.slice(40));
    pushing.write('ves');
    assert.equal((await half.answer).status, 101);
    assert.equal((await pushing.answer).status, 200);
    await guest.frames.first(({ text }) => text === 'halves');
    assert.equal((await lazy.answer).status, 408);
  });

  test('waits for the answers of its backend, which were on their way', async (t) => {
    const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>();
    const all = await scene(t, { OPEN_TIMEOUT_MS: span, BACKEND_TIMEOUT_MS: span }, async (call) => {
      if (call.text === 'held' || call.text.includes('"/late"')) await thawed;
      return ok();
    });
    const guest = await enter(t, all);
    guest.ws.send('held');
    await all.backend.calls.first(({ text }) => text === 'held');
    const late = connect(t, `${all.gateway.wsUrl}/late`);
    await openOf(all, '/late');
    await freeze(all);
    thaw();
    await late;
    guest.ws.send('next');
    await all.backend.calls.first(({ text }) => text === 'next');
    assert.equal(all.backend.calls.all.filter(({ text }) => text === 'held').length, 1, 'and asks for nothing twice');
  });

  test('goes on holding a message, and a client that waits for its turn', async (t) => {
    let isAway = true;
    const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>();
    const env = { BACKEND_RETRY_FOR_MS: span, OPEN_CONCURRENCY: '1', OPEN_QUEUE_TIMEOUT_MS: span, OPEN_TIMEOUT_MS: '20000' };
    const all = await scene(t, env, async (call) => {
      if (call.text === 'held' && isAway) return { status: 503 };
      if (call.text.includes('"/first"')) await thawed;
      return ok();
    });
    const guest = await enter(t, all);
    const first = connect(t, `${all.gateway.wsUrl}/first`);
    await openOf(all, '/first');
    const second = connect(t, `${all.gateway.wsUrl}/second`);
    guest.ws.send('held');
    await all.backend.calls.first(({ text }) => text === 'held');
    await freeze(all);
    isAway = false;
    thaw();
    await Promise.all([first, second]);
    guest.ws.send('next');
    await all.backend.calls.first(({ text }) => text === 'next');
    assert.equal(guest.ws.readyState, guest.ws.OPEN);
  });

  test('gives a slow client the time that it has', async (t) => {
    const all = await scene(t, { SLOW_CLIENT_TIMEOUT_MS: span, SEND_BUFFER_BYTES: '1000' });
    const path = freshPath();
    const reader = await upgradeRaw(t, all.gateway.wsUrl, { path });
    const url = `${all.gateway.controlUrl}/${String((await openOf(all, path)).headers['ws-connection'])}`;
    reader.socket.pause();
    const big = 'x'.repeat(200_000);
    while ((await fetch(url, { method: 'PUT', body: big })).status !== 429);
    await freeze(all);
    reader.socket.resume();
    await sleep(SPAN_MS); // the span in which it would have been ended
    assert.equal((await fetch(url, { method: 'PUT', body: 'it reads again' })).status, 200);
    await reader.frames.first(({ payload }) => payload.toString() === 'it reads again');
  });

  test('waits for the answer to its close frame', async (t) => {
    const all = await scene(t, { CLOSE_TIMEOUT_MS: span });
    const path = freshPath();
    const peer = await upgradeRaw(t, all.gateway.wsUrl, { path });
    const id = String((await openOf(all, path)).headers['ws-connection']);
    assert.equal((await fetch(`${all.gateway.controlUrl}/${id}?code=4001&reason=enough`, { method: 'DELETE' })).status, 200);
    await peer.frames.first(({ opcode }) => opcode === CLOSE);
    await freeze(all);
    peer.write(closeFrame(4001));
    const close = await all.backend.calls.first(isEvent('close', id));
    assert.equal(close.headers['ws-close-code'], '4001');
  });

  test('leaves as politely as ever when it was frozen while it left', async (t) => {
    const all = await scene(t, { DRAIN_MS: span }, (call) => (isEvent('close')(call) ? { status: 204 } : ok()));
    const count = 40;
    const guests = await Promise.all(Array.from({ length: count }, () => enter(t, all)));
    const told: number[] = [];
    for (const guest of guests) void guest.ended.then(({ code }) => code === 1001 && told.push(performance.now()));
    all.gateway.process.kill('SIGTERM');
    await guests[0]?.ended;
    await freeze(all);
    const wokenAt = performance.now() - LATE_MS;
    const { code } = await all.gateway.exited;
    assert.equal(code, 0);
    assert.equal(told.length, count);
    const lastAt = Math.max(...told);
    assert.ok(lastAt - wokenAt > SPAN_MS / 2, `the last goodbye came ${lastAt - wokenAt} ms after the waking: they were still paced`);
    assert.equal(all.backend.calls.all.filter(isEvent('close')).length, count);
  });
});

test('two workers and their supervisor, frozen one by one or together, keep their clients', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startGateway(t, { API_URI: backend.url, WS_TIMEOUT: span, WORKERS: '2' });
  const all = { gateway, backend };
  const paths = Array.from({ length: 6 }, () => freshPath());
  const peers = await Promise.all(paths.map((path) => upgradeRaw(t, gateway.wsUrl, { path })));
  await Promise.all(paths.map((path) => backend.calls.first(isOpenOf(path))));
  await Promise.all(peers.map(({ frames }) => frames.first(({ opcode }) => opcode === PING)));
  const workers = workerPids(gateway);
  assert.equal(workers.length, 2);
  for (const pid of workers) signalTo(pid, 'SIGSTOP');
  await freeze(all);
  for (const pid of workers) signalTo(pid, 'SIGCONT');
  await sleep(LATE_MS);
  for (const [index, peer] of peers.entries()) peer.write(frame(PONG), frame(TEXT, `peer ${index}`));
  for (const index of peers.keys()) await backend.calls.first(({ text }) => text === `peer ${index}`);
  for (const { frames } of peers) assert.ok(frames.all.every(({ opcode }) => opcode !== CLOSE));
});
