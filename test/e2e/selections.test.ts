import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { connect, type Client } from '../support/client.ts';
import { startApp } from '../support/app.ts';

type Scene = {
  readonly url: string;
  readonly ids: string[];
  readonly clients: Client[];
  readonly ask: (path: string, body?: string, headers?: Record<string, string>) => Promise<string>;
};

/** Three clients: a and b in room 1, c in room 2; b and c are red. */
async function scene(t: TestContext, env: Record<string, string> = {}): Promise<Scene> {
  const tags: Record<string, Record<string, string>> = {
    '/a': { room: '1' },
    '/b': { room: '1', color: 'red' },
    '/c': { room: '2', color: 'red' },
  };
  const backend = await startBackend(t, (call) => {
    if (call.method !== 'POST') return call.text === 'tag me' ? { headers: { 'ws-set-tags': 'room=9&color=' } } : {};
    const { path } = JSON.parse(call.text) as { path: string };
    return { body: JSON.stringify({ code: 'OK', tags: tags[path] ?? {} }) };
  });
  const gateway = await startApp(t, { API_URI: backend.url, ...env });
  const clients: Client[] = [];
  for (const path of ['/a', '/b', '/c']) clients.push(await connect(t, gateway.wsUrl + path));
  const ids = backend.calls.all.map(({ headers }) => String(headers['ws-connection']));
  const ask = async (path: string, body?: string, headers: Record<string, string> = {}): Promise<string> =>
    (await fetch(`${gateway.controlUrl}${path}`, body === undefined ? { headers } : { method: 'POST', body, headers })).text();
  return { url: gateway.controlUrl, ids, clients, ask };
}

test('/send reaches exactly the connections that match all pairs', async (t) => {
  const { ask, clients, ids } = await scene(t);
  assert.equal(await ask('/send?room=1', 'one'), '2');
  assert.equal(await ask('/send?room=1&color=red', 'two'), '1');
  assert.equal(await ask(`/send?id=${ids[0]},${ids[2]},${ids[0]},nobody`, 'three'), '2');
  assert.equal(await ask(`/send?all=true&exclude=${ids[1]}`, 'four'), '2');
  assert.equal(await ask('/send', 'nobody hears'), '0');
  assert.equal(await ask('/send?room=7', 'nobody hears'), '0');
  assert.equal(await ask('/send?all=true', 'last'), '3');
  const heard = await Promise.all(
    clients.map(async ({ frames }) => (await frames.first(({ text }) => text === 'last')) && frames.all.map(({ text }) => text)),
  );
  assert.deepEqual(heard, [
    ['one', 'three', 'four', 'last'],
    ['one', 'two', 'last'],
    ['three', 'four', 'last'],
  ]);
});

test('/send as JSON tells matched, sent and failed; binary stays binary; bad UTF-8 and long bodies are refused', async (t) => {
  const { ask, clients, url } = await scene(t, { NODE_NAME: 'n1', MAX_MESSAGE_BYTES: '100' });
  const answer = await ask('/send?color=red', 'x', { accept: 'application/json', 'content-type': 'application/octet-stream' });
  assert.deepEqual(JSON.parse(answer), {
    matched: 2,
    sent: 2,
    failed: 0,
    nodes: [{ node: 'n1', matched: 2, sent: 2, failed: 0 }],
    unreachable: [],
  });
  assert.equal((await clients[1]?.frames.first(() => true))?.isBinary, true);
  assert.equal((await fetch(`${url}/send?all=true`, { method: 'POST', body: new Uint8Array([255, 254]) })).status, 400);
  assert.equal((await fetch(`${url}/send?all=true`, { method: 'POST', body: 'x'.repeat(101) })).status, 413);
  const wrong = await fetch(`${url}/send?all=true`);
  assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'POST']);
});

test('/settags sets, replaces and deletes; an unknown key is harmless; a replaced value selects nobody any more', async (t) => {
  const { ask } = await scene(t);
  assert.equal(await ask('/settags?room=1', 'room=3&seen=yes&unknown='), '2');
  assert.equal(await ask('/count?room=1'), '0');
  assert.equal(await ask('/count?room=3&seen=yes'), '2');
  assert.equal(await ask('/settags?room=3', 'seen='), '2');
  assert.equal(await ask('/count?seen=yes'), '0');
  assert.deepEqual(JSON.parse(await ask('/tree', undefined, { accept: 'application/json' })), { room: { 2: 1, 3: 2 }, color: { red: 2 } });
  assert.equal(await ask('/tree'), 'color: red\nroom: 2 3\n');
  assert.match(await ask('/settags?room=3', `k=${'x'.repeat(200)}`), /BAD_REQUEST/);
});

test("tags of the backend's answer to a message count at once", async (t) => {
  const { ask, clients } = await scene(t);
  clients[1]?.ws.send('tag me');
  for (let tries = 0; tries < 200 && (await ask('/count?room=9')) !== '1'; tries += 1);
  assert.equal(await ask('/count?room=9'), '1');
  assert.equal(await ask('/count?color=red'), '1');
});

test('/close says goodbye first, then closes with 1000 or what is asked for', async (t) => {
  const { ask, clients } = await scene(t);
  assert.equal(await ask('/close?room=1', 'goodbye'), '2');
  assert.deepEqual(await clients[0]?.ended, { code: 1000, reason: 'Closed by server' });
  assert.equal(clients[0]?.frames.all.at(-1)?.text, 'goodbye');
  assert.equal(await ask('/close?room=2&closeCode=4002&closeReason=bye', ''), '1');
  assert.deepEqual(await clients[2]?.ended, { code: 4002, reason: 'bye' });
  assert.equal(await ask('/count?all=true'), '0');
  assert.match(await ask('/close?all=true&closeCode=1005', ''), /BAD_REQUEST/);
});

test('/status lists every connection, as lines and as pages', async (t) => {
  const { ask, ids } = await scene(t);
  const lines = (await ask('/status')).trimEnd().split('\n');
  assert.deepEqual(lines, [`id=${ids[0]} room=1`, `id=${ids[1]} room=1 color=red`, `id=${ids[2]} room=2 color=red`]);
  const seen: string[] = [];
  let cursor = '';
  for (let page = 0; page < 3; page += 1) {
    const { connections, next } = JSON.parse(await ask(`/status?limit=1&cursor=${cursor}`, undefined, { accept: 'application/json' })) as {
      connections: { id: string; tags: object }[];
      next: string | null;
    };
    seen.push(...connections.map(({ id }) => id));
    cursor = next ?? '';
  }
  assert.deepEqual(seen, ids);
  assert.match(await ask('/status?limit=0'), /BAD_REQUEST/);
  assert.match(await ask('/status?cursor=x'), /BAD_REQUEST/);
});
