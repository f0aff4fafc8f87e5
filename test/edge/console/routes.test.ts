import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import type { Sighting } from '../../../src/core/sightings.ts';
import { startApp } from '../../support/app.ts';
import { ask } from '../../support/ask.ts';
import { startBackend, type Handler } from '../../support/backend.ts';
import { refusal } from '../../support/client.ts';
import { sighted, watch, type Stream, type Told } from '../../support/event-stream.ts';
import { enter, ok, wholeFile, type Scene } from '../../support/guests.ts';

const handler: Handler = ({ method, text }) => {
  if (method === 'POST') return text.includes('/refuse-me') ? { status: 403, body: '{"code":"NO_ROOM"}' } : ok({ tags: { room: '1' } });
  return text === 'bad' ? { status: 422 } : {};
};

function idsOf(page: Record<string, unknown[]>): string[] {
  return (page['connections'] ?? []).map((one) => (one as { id: string }).id);
}

suite('the console of one gateway', { concurrency: true }, async () => {
  const backend = await startBackend(wholeFile, handler);
  const gateway = await startApp(wholeFile, { API_URI: backend.url, NODE_NAME: 'n1' });
  const scene: Scene = { gateway, backend };
  const url = (path: string): string => `${gateway.controlUrl}/console${path}`;
  const read = async (path: string): Promise<Record<string, unknown[]>> =>
    (await (await fetch(url(path))).json()) as Record<string, unknown[]>;

  test('a client’s whole life is told as it happens: open, message, verdict, push, close', async (t) => {
    const stream = await watch(t, url('/events?tags=room%3D1'));
    const { data } = await stream.told.first(({ event }) => event === 'hello');
    assert.deepEqual(data, { version: (data as { version: string }).version, node: 'n1', payloads: 'off' });
    assert.match(stream.headers.get('content-type') ?? '', /^text\/event-stream/);
    assert.equal(stream.headers.get('cache-control'), 'no-store');
    const guest = await enter(t, scene);
    const isGuest = (type: Sighting['type']) => (one: Sighting) => one.type === type && 'id' in one && one.id === guest.id;
    const opened = await sighted(stream, isGuest('opened'));
    assert.ok(opened.type === 'opened');
    assert.deepEqual({ ...opened.tags }, { room: '1' });
    guest.ws.send('bad');
    const answered = await sighted(stream, isGuest('answered'));
    assert.ok(answered.type === 'answered');
    assert.deepEqual([answered.verdict, answered.because, answered.seq], ['complained', 'status 422', 1]);
    const call = await backend.calls.first(({ text, headers }) => text === 'bad' && headers['ws-connection'] === guest.id);
    assert.equal(answered.trace, call.headers['traceparent'], 'the trace is the one that the backend got');
    await guest.push('hi');
    await sighted(stream, isGuest('pushed'));
    guest.ws.close(4001, 'bye');
    const closed = await sighted(stream, isGuest('closed'));
    assert.ok(closed.type === 'closed');
    assert.deepEqual([closed.code, closed.reason, closed.by, closed.messages], [4001, 'bye', 'client', 1]);
    await sighted(stream, isGuest('close-answered'));
  });

  test('figures come every second, of every process', async (t) => {
    const stream = await watch(t, url('/events?figures=true&route=nowhere'));
    await enter(t, scene);
    const [, second] = await stream.told.atLeast(2, ({ event }) => event === 'figures');
    const { total, processes } = (second as Told).data as {
      total: { connections: number };
      processes: { node: string; memoryBytes: number }[];
    };
    assert.ok(total.connections >= 1);
    assert.equal(processes.length, 1);
    assert.ok(processes[0]?.node === 'n1' && (processes[0]?.memoryBytes ?? 0) > 1e6);
  });

  test('who ended a connection is told: its client, the network, the backend, the gateway', async (t) => {
    const byOf = async (end: (guest: Awaited<ReturnType<typeof enter>>) => unknown): Promise<unknown[]> => {
      const guest = await enter(t, scene);
      await end(guest);
      await backend.calls.first(({ headers }) => headers['ws-event'] === 'close' && headers['ws-connection'] === guest.id);
      const { ends = [] } = await read(`/ends?id=${guest.id}`);
      return ends.map((one) => (one as { by: string; code: number }).by);
    };
    assert.deepEqual(await byOf(({ ws }) => ws.close(1000)), ['client']);
    assert.deepEqual(await byOf(({ ws }) => ws.terminate()), ['network']);
    assert.deepEqual(await byOf(({ command }) => fetch(command(), { method: 'DELETE' })), ['backend']);
    assert.deepEqual(await byOf(({ ws }) => ws.send(Buffer.alloc(300_000))), ['gateway']);
    assert.deepEqual(await byOf(({ id }) => fetch(`${gateway.controlUrl}/close?id=${id}`, { method: 'POST' })), ['backend']);
  });

  test('refused clients and complaints are failures that can be read later', async (t) => {
    await refusal(t, `${gateway.wsUrl}/refuse-me?token=s3cret`);
    const { failures = [] } = await read('/failures?limit=500');
    const refused = failures.find((one) => (one as { path: string }).path === '/refuse-me');
    assert.ok(refused, JSON.stringify(failures));
    const { type, code, reason, ms } = refused as Record<string, unknown>;
    assert.deepEqual([type, code, typeof reason, typeof ms], ['refused', 403, 'string', 'number']);
    assert.ok(!JSON.stringify(failures).includes('s3cret'), 'a query, which may hold a credential, is not told');
  });

  test('connections are searched by id, path and tags, in pages', async (t) => {
    const guests = [await enter(t, scene), await enter(t, scene), await enter(t, scene)];
    const [first] = guests;
    assert.ok(first);
    await fetch(`${gateway.controlUrl}/settags?id=${guests.map(({ id }) => id).join(',')}`, { method: 'POST', body: 'set=searched' });
    assert.deepEqual(idsOf(await read(`/connections?id=${first.id}`)), [first.id]);
    assert.deepEqual(
      idsOf(await read('/connections?tags=set%3Dsearched')),
      guests.map(({ id }) => id),
    );
    const page = await read('/connections?tags=set%3Dsearched&limit=2');
    assert.equal(idsOf(page).length, 2);
    const next = await read(`/connections?tags=set%3Dsearched&limit=2&cursor=${String(page['next'])}`);
    assert.deepEqual(
      [...idsOf(page), ...idsOf(next)],
      guests.map(({ id }) => id),
    );
    assert.equal(next['next'], null);
    assert.deepEqual(idsOf(await read('/connections?path=/nowhere')), []);
  });

  test('what cannot be meant is 400 and says what was wanted', async () => {
    for (const [path, named] of [
      ['/connections?limit=0', 'limit must be a number from 1 to 200'],
      ['/connections?limit=201', 'limit'],
      ['/connections?cursor=x', 'cursor'],
      ['/connections?tags=novalue', '='],
      ['/connections?room=1', 'is no parameter of this request'],
      ['/ends?code=9999', 'code must be'],
      ['/ends?limit=501', 'limit must be'],
      ['/failures?limit=1e3', 'limit must be'],
      ['/events?figures=yes', 'figures must be true'],
      ['/events?id=a&id=b', 'given twice'],
    ] as const) {
      const { status, body } = await ask(url(path));
      assert.equal(status, 400, path);
      assert.ok(body.includes(named), body);
    }
    for (const path of ['', '/events', '/connections', '/ends', '/failures', '/app.js']) {
      const { status, headers } = await ask(url(path), { method: 'POST' });
      assert.deepEqual([status, headers['allow']], [405, 'GET, HEAD'], path);
    }
    assert.equal((await ask(url('/nothing.js'))).status, 404);
    assert.equal((await ask(url('/..%2f..%2fpackage.json'))).status, 404);
    assert.equal((await ask(url('/events'), { method: 'HEAD' })).status, 200);
  });

  test('the page allows nothing inline and nothing from elsewhere, and a browser asks again for what has changed only', async () => {
    const page = await fetch(url(''));
    const policy = page.headers.get('content-security-policy') ?? '';
    assert.doesNotMatch(policy, /unsafe|data:|\*|https?:/);
    for (const wanted of ["default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"])
      assert.ok(policy.includes(wanted), policy);
    assert.deepEqual([page.headers.get('x-content-type-options'), page.headers.get('referrer-policy')], ['nosniff', 'no-referrer']);
    const html = await page.text();
    assert.doesNotMatch(html, /\sstyle=|\son\w+=|<script>|<style>|https?:\/\//);
    for (const [, file = ''] of html.matchAll(/(?:src|href)="console\/([\w.-]+)"/g)) {
      const asset = await fetch(url(`/${file}`));
      assert.equal(asset.status, 200, file);
      const again = await fetch(url(`/${file}`), { headers: { 'If-None-Match': asset.headers.get('etag') ?? '' } });
      assert.deepEqual([again.status, await again.text()], [304, ''], file);
    }
    const slash = await fetch(url('/'), { redirect: 'manual' });
    assert.deepEqual([slash.status, slash.headers.get('location')], [308, '../console']);
  });
});

test('without the operator’s word the console is as shut as selections are; with a token only the empty page needs none', async (t) => {
  const backend = await startBackend(t, handler);
  const shut = await startApp(t, { API_URI: backend.url, CONTROL_ALLOW: '' });
  for (const path of ['', '/app.js', '/events', '/connections', '/ends', '/failures']) {
    const { status, body } = await ask(`${shut.controlUrl}/console${path}`);
    assert.equal(status, 403, path);
    assert.match(body, /CONTROL_ALLOW/);
  }
  const guarded = await startApp(t, { API_URI: backend.url, CONTROL_TOKEN: 'open-sesame' });
  for (const path of ['/events', '/connections', '/ends', '/failures']) {
    assert.equal((await ask(`${guarded.controlUrl}/console${path}`)).status, 401, path);
    const headers = { authorization: 'Bearer open-sesame' };
    assert.equal((await ask(`${guarded.controlUrl}/console${path}`, { method: 'HEAD', headers })).status, 200, path);
  }
  for (const path of ['', '/app.js']) assert.equal((await ask(`${guarded.controlUrl}/console${path}`)).status, 200, path);
});

test('the page’s own origin may command, any other may not, and no other site may show the page', async (t) => {
  const backend = await startBackend(t, handler);
  const gateway = await startApp(t, { API_URI: backend.url });
  const { host, port } = new URL(gateway.controlUrl);
  const send = (headers: Record<string, string>) => ask(`${gateway.controlUrl}/send?all=true`, { method: 'POST', body: 'x', headers });
  assert.equal((await send({ origin: `http://${host}` })).status, 200);
  for (const origin of [
    `https://${host}`,
    'http://127.0.0.1',
    `http://localhost:${port}`,
    'http://evil.example',
    'null',
    `http://${host}.evil.example`,
  ])
    assert.equal((await send({ origin })).status, 403, origin);
  // DNS rebinding: the stranger's page is of the host that the browser believes to ask
  assert.equal((await send({ origin: 'http://evil.example:8080', host: 'evil.example:8080' })).status, 403);
  for (const path of ['/console', '/console/app.js'])
    assert.equal((await ask(gateway.controlUrl + path, { headers: { 'sec-fetch-site': 'cross-site' } })).status, 403, path);
});

test('so many may watch; one who goes makes room; all are told when the gateway leaves', async (t) => {
  const backend = await startBackend(t, handler);
  const gateway = await startApp(t, { API_URI: backend.url, CONSOLE_WATCHERS: '2', DRAIN_MS: '50' });
  const url = `${gateway.controlUrl}/console/events`;
  const leaves: (() => unknown)[] = [];
  await watch({ after: (leave) => void leaves.push(leave as () => unknown) }, url);
  const second = await watch(t, url);
  const full = await ask(url);
  assert.deepEqual([full.status, full.headers['retry-after']], [503, '5']);
  assert.match(full.body, /2 watch already \(CONSOLE_WATCHERS\)/);
  for (const leave of leaves) leave();
  const third = await until200(t, url);
  await gateway.drain();
  for (const stream of [second, third]) {
    const { data } = await stream.told.first(({ event }) => event === 'end');
    assert.deepEqual(data, { reason: 'this gateway shuts down' });
    await stream.ended;
  }
});

/** Nobody tells when the gateway has noticed that somebody left. */
async function until200(t: Pick<TestContext, 'after'>, url: string): Promise<Stream> {
  for (const endsAt = Date.now() + 10_000; Date.now() < endsAt;) {
    if ((await ask(url, { method: 'HEAD' })).status === 200) {
      try {
        return await watch(t, url);
      } catch {
        continue;
      }
    }
  }
  throw new Error('nobody made room');
}
