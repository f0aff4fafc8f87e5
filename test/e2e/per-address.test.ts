import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Arrivals } from '../support/arrivals.ts';
import { ask } from '../support/ask.ts';
import { startBackend } from '../support/backend.ts';
import { tryConnect } from '../support/client.ts';
import { startApp } from '../support/app.ts';
import { bodyOf, isEvent, ok } from '../support/guests.ts';

const statusOf = (result: Awaited<ReturnType<typeof tryConnect>>) => ('status' in result ? result.status : 101);

suite('limits by address', { concurrency: true }, () => {
  test('MAX_CONNECTIONS_PER_IP holds in the queue, too, and for MAX_CONNECTIONS it is the same', async (t) => {
    const welcomes: (() => void)[] = [];
    const backend = await startBackend(t, () => new Promise((resolve) => welcomes.push(() => resolve(ok()))));
    for (const [limit, status] of [
      ['MAX_CONNECTIONS_PER_IP', 429],
      ['MAX_CONNECTIONS', 503],
    ] as const) {
      const gateway = await startApp(t, { API_URI: backend.url, [limit]: '2', OPEN_CONCURRENCY: '1' });
      const before = backend.calls.all.length;
      const results = Array.from({ length: 12 }, () => tryConnect(t, gateway.wsUrl));
      const seen = new Arrivals<number>();
      for (const result of results) void result.then((one) => seen.add(statusOf(one)));
      await seen.atLeast(10, (one) => one === status);
      for (let open = 0; open < 2; open += 1) {
        await backend.calls.atLeast(before + 1 + open, isEvent('open'));
        welcomes.pop()?.();
      }
      assert.equal((await Promise.all(results)).map(statusOf).filter((one) => one === 101).length, 2, limit);
    }
  });

  test('behind a proxy a client is counted by its address, whatever port stands beside it, and IPv6 by its network', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startApp(t, { API_URI: backend.url, MAX_CONNECTIONS_PER_IP: '2', TRUST_PROXY: '127.0.0.0/8' });
    const enter = async (headers: Record<string, string>) => statusOf(await tryConnect(t, gateway.wsUrl, { headers }));
    const cases: readonly (readonly [string, readonly Record<string, string>[]])[] = [
      ['ports', [1, 2, 3].map((port) => ({ 'x-forwarded-for': `192.0.2.1:${port}` }))],
      ['spellings', ['192.0.2.2', '"192.0.2.2"', '::ffff:192.0.2.2'].map((value) => ({ 'x-forwarded-for': value }))],
      ['what the client wrote before', ['1.1.1.1', '2.2.2.2', '3.3.3.3'].map((value) => ({ 'x-forwarded-for': `${value}, 192.0.2.3` }))],
      ['Forwarded', [1, 2, 3].map((port) => ({ forwarded: `for="192.0.2.4:${port}"` }))],
      [
        'one /64',
        ['::1', '::2', '1::'].map((value) => ({
          'x-forwarded-for': `[2001:db8:0:1:${value.replace('::', ':').replace(/^:/, '0:0:0:').replace(/:$/, ':0:0:0')}]:9`,
        })),
      ],
      ['no address', ['unknown', '', '_x'].map((value) => ({ 'x-forwarded-for': value }))],
    ];
    for (const [what, [one, two, three]] of cases) {
      assert.deepEqual([what, await enter(one ?? {}), await enter(two ?? {}), await enter(three ?? {})], [what, 101, 101, 429]);
    }
    assert.equal(bodyOf(await backend.calls.first(isEvent('open')))['remote_address'], '192.0.2.1');
  });

  test('a trusted proxy that does not say whose request it passes on commands nothing', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startApp(t, { API_URI: backend.url, TRUST_PROXY: '127.0.0.0/8', CONTROL_ALLOW: '127.0.0.0/8' });
    for (const headers of [
      { 'x-forwarded-for': '' },
      { 'x-forwarded-for': 'unknown' },
      { forwarded: 'for=198.51.100.7' },
      { forwarded: 'proto=https' },
      { 'x-forwarded-for': '127.0.0.1', forwarded: 'for=198.51.100.7' },
      { 'x-forwarded-for': '198.51.100.7', forwarded: 'for=127.0.0.1' },
    ] as Record<string, string>[])
      assert.equal((await ask(`${gateway.controlUrl}/status`, { headers })).status, 403, JSON.stringify(headers));
    for (const headers of [{ 'x-forwarded-for': '127.0.0.1:80' }, { forwarded: 'for=127.0.0.1' }, {}] as Record<string, string>[])
      assert.equal((await ask(`${gateway.controlUrl}/status`, { headers })).status, 200, JSON.stringify(headers));
  });
});
