import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { Arrivals } from '../support/arrivals.ts';
import { startApp } from '../support/app.ts';
import { ask } from '../support/ask.ts';
import { startBackend } from '../support/backend.ts';
import { connect, refusal, tryConnect } from '../support/client.ts';
import { isEvent } from '../support/guests.ts';
import { openRaw, upgradeRequest } from '../support/raw-socket.ts';
import { routesFile } from '../support/routes-file.ts';
import { Stopwatch } from '../support/machine.ts';

const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

const long = (length: number) => ({ 'x-long': 'a'.repeat(length) });

suite('rates and sizes at the edge', { concurrency: 4 }, () => {
  test('HANDSHAKES_PER_SECOND_PER_IP: beyond ten seconds of them an address gets 429 with Retry-After, also where it would be told by a close frame', async (t) => {
    const backend = await startBackend(t);
    const env = { API_URI: backend.url, HANDSHAKES_PER_SECOND_PER_IP: '2', TRUST_PROXY: '127.0.0.1', REFUSE_WITH: 'close' };
    const gateway = await startApp(t, env);
    const results = await Promise.all(Array.from({ length: 40 }, () => tryConnect(t, gateway.wsUrl, from('192.0.2.1'))));
    const refused = results.filter((result) => 'status' in result);
    assert.ok(refused.length >= 15 && refused.length <= 20, `${refused.length} of 40 were refused`);
    for (const { status, headers, body } of refused) {
      assert.deepEqual([status, (JSON.parse(body) as { code: string }).code], [429, 'TOO_MANY_HANDSHAKES']);
      assert.match(String(headers['retry-after']), /^[1-9]\d*$/);
    }
    await connect(t, gateway.wsUrl, from('192.0.2.2'));
    assert.equal(backend.calls.all.filter(isEvent('open')).length, 41 - refused.length, 'the backend hears of nobody else');
    const metrics = await ask(`${gateway.controlUrl}/metrics`, { headers: from('127.0.0.1').headers });
    assert.match(metrics.body, new RegExp(`^wsaas_handshakes_refused_total ${refused.length}$`, 'm'));
  });

  test('BYTES_PER_SECOND: what comes faster is read slower; nothing is dropped, nobody is closed, others do not feel it', async (t) => {
    const { gateway, backend } = await paced(t, { BYTES_PER_SECOND: '100000', WS_TIMEOUT: '280' });
    const fast = await connect(t, `${gateway.wsUrl}/fast`);
    const watch = new Stopwatch([]);
    const [start, startWall] = [watch.read(), performance.now()];
    for (let index = 0; index < 25; index += 1) fast.ws.send(Buffer.alloc(10_000, index));
    const other = await connect(t, `${gateway.wsUrl}/other`);
    other.ws.send('not held up');
    await backend.calls.first(({ text }) => text === 'not held up');
    assert.ok(backend.calls.all.filter(({ body }) => body.length === 10_000).length < 25, 'the other waited for the fast one');
    const all = await backend.calls.atLeast(25, ({ body }) => body.length === 10_000);
    const [tookMs, wallMs] = [watch.read() - start, performance.now() - startWall];
    assert.deepEqual(
      all.map(({ body }) => body[0]),
      Array.from({ length: 25 }, (_none, index) => index),
    );
    // 2.5 s of bytes: the first second's may come at once, and a chunk that a socket is read in
    assert.ok(wallMs > 700 && tookMs < 4_000, `${wallMs.toFixed(0)} ms, of them ${tookMs.toFixed(0)} ms in which this process ran`);
    assert.equal(fast.ws.readyState, fast.ws.OPEN, 'a paused socket cannot pong, and the heartbeat knows');
  });

  test('pings count as messages do, and a route has rates of its own', async (t) => {
    const { gateway, backend } = await paced(t, {}, 'messagesPerSecond: 10');
    const pinging = await connect(t, gateway.wsUrl);
    const pongs = new Arrivals<string>();
    pinging.ws.on('pong', (data) => pongs.add(String(data)));
    for (let index = 0; index < 25; index += 1) pinging.ws.ping(String(index)); // one piece: read before anything can be held back
    await pongs.atLeast(25);
    const start = performance.now();
    pinging.ws.send('behind the pings');
    await backend.calls.first(({ text }) => text === 'behind the pings');
    const tookMs = performance.now() - start;
    assert.ok(tookMs > 250, `${tookMs.toFixed(0)} ms behind 25 pings of which 10 may come at once`);
  });

  test('MAX_HEADER_BYTES bounds the request line and all headers, of upgrades and of commands', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startApp(t, { API_URI: backend.url, MAX_HEADER_BYTES: '2000' });
    await connect(t, gateway.wsUrl, { headers: long(1_000) });
    const refused = await refusal(t, gateway.wsUrl, { headers: long(3_000) });
    assert.deepEqual(
      [refused.status, (JSON.parse(refused.body) as { message: string }).message],
      [431, 'the request line and headers may have 2000 bytes (MAX_HEADER_BYTES)'],
    );
    assert.equal((await ask(`${gateway.controlUrl}/status`, { headers: long(3_000) })).status, 431);
    assert.equal((await ask(`${gateway.controlUrl}/status?${'a'.repeat(3_000)}`)).status, 414);
    const wide = await startApp(t, { API_URI: backend.url, MAX_HEADER_BYTES: '40000' });
    await connect(t, wide.wsUrl, { headers: long(30_000) });
  });
});

// by itself: the sockets keep this process from what others are measured by
test('5,000 half-open handshakes do not stop a good client from connecting within 1 s, and they end', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startApp(t, { API_URI: backend.url, HANDSHAKE_TIMEOUT_MS: '4000' });
  const head = upgradeRequest({ path: '/' }).slice(0, -2);
  let ended = 0;
  for (let batch = 0; batch < 10; batch += 1)
    await Promise.all(
      Array.from({ length: 500 }, async (_none, index) => {
        const { socket } = await openRaw(t, gateway.publicUrl);
        socket.on('close', () => (ended += 1));
        socket.resume().write(index % 2 === 0 ? head : head.slice(0, 20));
      }),
    );
  assert.ok(ended < 2_500, `${ended} were gone before the good client came`);
  const watch = new Stopwatch([]);
  const start = watch.read();
  const good = await connect(t, gateway.wsUrl);
  const tookMs = watch.read() - start;
  assert.ok(tookMs < 1_000, `${tookMs.toFixed(0)} ms`);
  good.ws.send('in');
  await backend.calls.first(({ text }) => text === 'in');
  const end = performance.now() + 20_000;
  while (ended < 5_000 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(ended, 5_000);
  assert.equal(good.ws.readyState, good.ws.OPEN);
});

async function paced(t: TestContext, env: Record<string, string>, own = '') {
  const backend = await startBackend(t);
  if (own === '') return { backend, gateway: await startApp(t, { API_URI: backend.url, ...env }) };
  const { path } = await routesFile(t, `routes:\n  - { path: "/*", backend: "${backend.url}", ${own} }\n`);
  return { backend, gateway: await startApp(t, { ROUTES_FILE: path, ...env }) };
}
