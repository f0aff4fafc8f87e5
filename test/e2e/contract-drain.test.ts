import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { startBackend, type Handler } from '../support/backend.ts';
import { refusal } from '../support/client.ts';
import { startApp, type AppGateway } from '../support/app.ts';
import { startGateway } from '../support/gateway.ts';
import { enter, freshPath, isEvent, isOpenOf, ok, openOf, type ProcessScene, type Scene } from '../support/guests.ts';
import { CLOSE, closeFrame, frame, openRaw, TEXT, upgradeRaw, upgradeRequest } from '../support/raw-socket.ts';

/** The program, where its signals, its exit code or its pace are what is told. */
async function processOf(t: TestContext, env: Record<string, string> = {}, handler?: Handler): Promise<ProcessScene> {
  const backend = await startBackend(t, handler);
  return { backend, gateway: await startGateway(t, { API_URI: backend.url, ...env }) };
}

type AppScene = Scene & { readonly gateway: AppGateway };

async function sceneOf(t: TestContext, env: Record<string, string> = {}, handler?: Handler): Promise<AppScene> {
  const backend = await startBackend(t, handler);
  return { backend, gateway: await startApp(t, { API_URI: backend.url, ...env }) };
}

/** How it ended, or `hangs` where that comes later than it may. */
async function inTime<Ending>(ending: Promise<Ending>, limitMs = 6_000): Promise<Ending | 'hangs'> {
  const late = new Promise<'hangs'>((resolve) => setTimeout(() => resolve('hangs'), limitMs).unref());
  return await Promise.race([ending, late]);
}

const CLEAN = { code: 0, signal: null };

suite('leaving', { concurrency: 3 }, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal}: clients get 1001, every close is told, exit code 0`, async (t) => {
      const scene = await processOf(t);
      const guests = await Promise.all(Array.from({ length: 20 }, () => enter(t, scene)));
      for (const guest of guests) guest.ws.send('last words');
      scene.gateway.process.kill(signal);
      for (const guest of guests) assert.equal((await guest.ended).code, 1001);
      assert.deepEqual(await inTime(scene.gateway.exited), CLEAN);
      const closes = scene.backend.calls.all.filter(isEvent('close'));
      assert.deepEqual(new Set(closes.map(({ headers }) => headers['ws-connection'])), new Set(guests.map(({ id }) => id)));
      assert.equal(closes.length, 20);
      for (const { headers } of closes) assert.equal(headers['ws-close-code'], '1001');
      assert.equal(scene.backend.calls.all.filter(isEvent('message')).length, 20);
    });
  }

  test('while it drains readyz is 503 and livez 200; clients still come in during DRAIN_DELAY_MS, then get 503', async (t) => {
    const scene = await sceneOf(t, { DRAIN_DELAY_MS: '1500', DRAIN_MS: '900' });
    const { gateway } = scene;
    const first = await enter(t, scene);
    const second = await enter(t, scene);
    assert.equal((await fetch(`${gateway.controlUrl}/readyz`)).status, 200);
    const drained = gateway.drain();
    await gateway.log.first(({ msg }) => msg === 'draining');
    const ready = await fetch(`${gateway.controlUrl}/readyz`);
    assert.equal(ready.status, 503);
    assert.match(ready.headers.get('content-type') ?? '', /json/);
    assert.equal((await fetch(`${gateway.controlUrl}/livez`)).status, 200);
    const late = await enter(t, scene); // balancers have not noticed yet
    await Promise.race([first.ended, second.ended, late.ended]);
    const refused = await refusal(t, gateway.wsUrl + freshPath());
    assert.equal(refused.status, 503);
    assert.match(String(refused.headers['retry-after']), /^\d+$/);
    const asked = scene.backend.calls.all.filter(isEvent('open')).length;
    assert.equal(asked, 3);
    await Promise.all([first.ended, second.ended, late.ended]);
    assert.equal(await inTime(drained), undefined);
    assert.equal(scene.backend.calls.all.filter(isEvent('close')).length, 3);
  });

  test('goodbyes are spread over DRAIN_MS', async (t) => {
    const scene = await processOf(t, { DRAIN_MS: '1000' });
    const guests = await Promise.all(Array.from({ length: 20 }, () => enter(t, scene)));
    const times: number[] = [];
    const ends = guests.map(({ ended }) => ended.then(() => times.push(Date.now())));
    scene.gateway.process.kill('SIGTERM');
    await Promise.all(ends);
    const spanMs = Math.max(...times) - Math.min(...times);
    assert.ok(spanMs > 500 && spanMs < 1_500, `spread over ${spanMs} ms`);
    for (let from = 0; from < 1_000; from += 250) {
      const start = Math.min(...times) + from;
      const count = times.filter((time) => time >= start && time < start + 250).length;
      assert.ok(count <= 10, `${count} goodbyes in 250 ms: over twice the mean`);
    }
    assert.deepEqual(await inTime(scene.gateway.exited), CLEAN);
  });

  test('a second signal ends it at once', async (t) => {
    const scene = await processOf(t, { DRAIN_DELAY_MS: '20000' });
    await enter(t, scene);
    scene.gateway.process.kill('SIGTERM');
    await scene.gateway.log.first(({ msg }) => msg === 'draining');
    scene.gateway.process.kill('SIGTERM');
    const { code, signal } = (await inTime(scene.gateway.exited, 1_000)) as { code: number | null; signal: string | null };
    assert.ok(signal === 'SIGTERM' || (code !== 0 && code !== null), `ended with ${code} ${signal}`);
  });

  test('a client that upgrades during the drain, and stays, does not make it hang', async (t) => {
    const scene = await sceneOf(t, { DRAIN_MS: '500' });
    const guest = await enter(t, scene);
    const waiting = await openRaw(t, scene.gateway.wsUrl);
    const silent = await openRaw(t, scene.gateway.wsUrl);
    silent.write('GET /never-whole HTTP/1.1\r\nHost: x\r\n');
    const drained = scene.gateway.drain();
    await scene.gateway.log.first(({ msg }) => msg === 'draining');
    const late = await openRaw(t, scene.gateway.wsUrl);
    for (const raw of [waiting, late]) raw.write(upgradeRequest({ path: freshPath() }));
    await guest.ended;
    for (const raw of [waiting, late]) {
      const { status } = await raw.answer;
      assert.ok(status === 503 || status === 101, String(status));
    }
    assert.equal(await inTime(drained), undefined);
  });

  test('a client whose open call runs when the drain begins is refused or said goodbye to, and told about if it came in', async (t) => {
    const scene = await sceneOf(t, { DRAIN_MS: '300' }, async (call) => {
      if (isEvent('open')(call)) await new Promise((resolve) => setTimeout(resolve, 250));
      return ok();
    });
    const path = freshPath();
    const raw = await openRaw(t, scene.gateway.wsUrl);
    raw.write(upgradeRequest({ path }));
    await openOf(scene, path);
    const drained = scene.gateway.drain();
    const { status } = await raw.answer;
    assert.ok([101, 503].includes(status), String(status));
    if (status === 101) assert.equal(await raw.closeCode, 1001);
    assert.equal(await inTime(drained), undefined);
    // the backend had accepted: it must hear of the end, whether or not the client got in
    assert.equal(scene.backend.calls.all.filter(isOpenOf(path)).length, 1);
    assert.equal(scene.backend.calls.all.filter(isEvent('close')).length, 1);
  });

  test('clients that never answer the close frame, or never read, do not make it hang', async (t) => {
    const scene = await processOf(t);
    const mute = await upgradeRaw(t, scene.gateway.wsUrl, { path: freshPath() });
    const deaf = await upgradeRaw(t, scene.gateway.wsUrl, { path: freshPath() });
    deaf.socket.pause();
    scene.gateway.process.kill('SIGTERM');
    assert.equal(await mute.closeCode, 1001);
    assert.deepEqual(await inTime(scene.gateway.exited), CLEAN);
    assert.equal(scene.backend.calls.all.filter(isEvent('close')).length, 2);
  });

  test('a client that talks on after the goodbye, until it closes, is heard', async (t) => {
    const scene = await sceneOf(t);
    const raw = await upgradeRaw(t, scene.gateway.wsUrl, { path: freshPath() });
    const drained = scene.gateway.drain();
    await raw.frames.first(({ opcode }) => opcode === CLOSE);
    raw.write(frame(TEXT, 'was on its way'), closeFrame(1001));
    assert.equal(await inTime(drained), undefined);
    assert.deepEqual(
      scene.backend.calls.all.map(({ headers, text }) => (headers['ws-event'] === 'message' ? text : headers['ws-event'])),
      ['open', 'was on its way', 'close'],
    );
  });

  test('a backend that does not take the close events makes it say so, and leave in time', async (t) => {
    const scene = await sceneOf(t, {}, (call) => (isEvent('close')(call) ? { status: 503 } : ok()));
    const guest = await enter(t, scene);
    const drained = scene.gateway.drain();
    await guest.ended;
    assert.equal(await inTime(drained), undefined);
    const left = await scene.gateway.log.first(({ level, unfinished }) => level >= 50 && unfinished !== undefined);
    assert.equal(left['unfinished'], 1, 'how much is undelivered is an error in the log');
  });

  test('what a backend did not take is in the journal, and is told at the next start with the same event id', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'journal-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    let isDown = true;
    const scene = await sceneOf(t, { JOURNAL_DIR: directory }, (call) => (isEvent('close')(call) && isDown ? { status: 503 } : ok()));
    const guest = await enter(t, scene);
    const drained = scene.gateway.drain();
    assert.equal((await guest.ended).code, 1001);
    assert.equal(await inTime(drained), undefined);
    const before = new Set(scene.backend.calls.all.filter(isEvent('close', guest.id)).map(({ headers }) => headers['ws-event-id']));
    const tries = scene.backend.calls.all.length;
    isDown = false;
    await startApp(t, { API_URI: scene.backend.url, JOURNAL_DIR: directory });
    const told = await scene.backend.calls.first(
      (call) => isEvent('close', guest.id)(call) && scene.backend.calls.all.indexOf(call) >= tries,
    );
    assert.deepEqual(new Set([told.headers['ws-event-id']]), before);
    assert.equal(told.headers['ws-orphan'], 'true');
  });

  test('backends may push until the end', async (t) => {
    const scene = await sceneOf(t, { DRAIN_DELAY_MS: '300' });
    const guest = await enter(t, scene);
    const drained = scene.gateway.drain();
    await scene.gateway.log.first(({ msg }) => msg === 'draining');
    assert.equal((await guest.push('almost gone')).status, 200);
    assert.equal((await guest.frames.first(() => true)).text, 'almost gone');
    assert.equal(await inTime(drained), undefined);
  });
});
