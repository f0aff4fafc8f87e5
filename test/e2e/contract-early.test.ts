import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBackend, type Answer, type Call } from '../support/backend.ts';
import { connect, refusal, tryConnect } from '../support/client.ts';
import { startApp } from '../support/app.ts';
import { freshPath, isEvent, ok, openOf, wholeFile } from '../support/guests.ts';
import { closeFrame, frame, openRaw, PING, PONG, TEXT, upgradeRequest } from '../support/raw-socket.ts';

/** Things that happen while `open` is still being answered (G6). */
const backend = await startBackend(wholeFile);
const gateway = await startApp(wholeFile, { API_URI: backend.url, MAX_MESSAGE_BYTES: '2000' });
const scene = { gateway, backend };

const urlOf = ({ headers }: Call): string => `${gateway.controlUrl}/${String(headers['ws-connection'])}`;
const push = (call: Call, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(urlOf(call), { method: 'PUT', body, headers });

function onOpen(handler: (call: Call) => Answer | Promise<Answer>): void {
  backend.answer = (call) => (isEvent('open')(call) ? handler(call) : { status: 200 });
}

test('pushes from inside the open handler are 202 QUEUED at once, and follow the message of the verdict in order', async (t) => {
  const answers: unknown[] = [];
  onOpen(async (call) => {
    for (const word of ['one', 'two', 'three']) {
      const response = await push(call, word, word === 'two' ? { 'content-type': 'application/octet-stream' } : {});
      answers.push(response.status, ((await response.json()) as { code: string }).code);
    }
    return ok({ message: 'welcome' });
  });
  const client = await connect(t, gateway.wsUrl + freshPath());
  const frames = await client.frames.atLeast(4);
  assert.deepEqual(
    frames.map(({ text, isBinary }) => [text, isBinary]),
    [
      ['welcome', false],
      ['one', false],
      ['two', true],
      ['three', false],
    ],
  );
  assert.deepEqual(answers, [202, 'QUEUED', 202, 'QUEUED', 202, 'QUEUED']);
});

test('an early push that cannot be sent is refused like any other, and one with a known key is kept once', async (t) => {
  const statuses: number[] = [];
  onOpen(async (call) => {
    statuses.push((await push(call, 'x'.repeat(2_001))).status);
    statuses.push((await fetch(urlOf(call), { method: 'PUT', body: new Uint8Array([255]) })).status);
    for (let index = 0; index < 2; index += 1) statuses.push((await push(call, 'once', { 'idempotency-key': 'k' })).status);
    return ok();
  });
  const client = await connect(t, gateway.wsUrl + freshPath());
  const [call] = backend.calls.all.slice(-1);
  assert.deepEqual(statuses, [413, 400, 202, 202]);
  assert.equal((await push(call ?? assert.fail(), 'last')).status, 200);
  const frames = await client.frames.atLeast(2);
  assert.deepEqual(
    frames.map(({ text }) => text),
    ['once', 'last'],
  );
});

test('early pushes are bounded: beyond the send buffer they are 429 with Retry-After', async (t) => {
  const small = await startApp(t, { API_URI: backend.url, SEND_BUFFER_BYTES: '5000', MAX_MESSAGE_BYTES: '2000' });
  const statuses: number[] = [];
  let retryAfter: string | null = null;
  onOpen(async ({ headers }) => {
    for (let index = 0; index < 20; index += 1) {
      const url = `${small.controlUrl}/${String(headers['ws-connection'])}`;
      const response = await fetch(url, { method: 'PUT', body: String.fromCharCode(65 + index).repeat(1_000) });
      statuses.push(response.status);
      retryAfter ??= response.headers.get('retry-after');
    }
    return ok();
  });
  const client = await connect(t, small.wsUrl + freshPath());
  const queued = statuses.filter((status) => status === 202).length;
  assert.ok(queued >= 2 && queued <= 8, statuses.join(' '));
  assert.ok(statuses.slice(queued).every((status) => status === 429));
  assert.match(String(retryAfter), /^\d+$/);
  assert.equal((await client.frames.atLeast(queued)).length, queued);
});

test('early pushes are bounded: beyond INBOX_MESSAGES they are 429, and those that got 202 are sent', async (t) => {
  const small = await startApp(t, { API_URI: backend.url, INBOX_MESSAGES: '3' });
  const statuses: number[] = [];
  onOpen(async ({ headers }) => {
    for (let index = 1; index <= 5; index += 1) {
      const url = `${small.controlUrl}/${String(headers['ws-connection'])}`;
      statuses.push((await fetch(url, { method: 'PUT', body: String(index) })).status);
    }
    return ok();
  });
  const client = await connect(t, small.wsUrl + freshPath());
  assert.deepEqual(statuses, [202, 202, 202, 429, 429]);
  assert.deepEqual(
    (await client.frames.atLeast(3)).map(({ text }) => text),
    ['1', '2', '3'],
  );
});

test('a refusal drops what was pushed early', async (t) => {
  let status = 0;
  onOpen(async (call) => {
    status = (await push(call, 'for nobody')).status;
    return { status: 401 };
  });
  const path = freshPath();
  assert.equal((await refusal(t, gateway.wsUrl + path)).status, 401);
  assert.equal(status, 202);
  assert.equal((await push(await openOf(scene, path), 'late')).status, 404);
});

test('a client that is closed from inside the open handler gets its early pushes, the close and nothing else', async (t) => {
  let answer: unknown;
  onOpen(async (call) => {
    await push(call, 'bye');
    const response = await fetch(`${urlOf(call)}?code=4002&reason=early`, { method: 'DELETE' });
    answer = [response.status < 300, await response.json()];
    return ok({ message: 'hello' });
  });
  const path = freshPath();
  const client = await connect(t, gateway.wsUrl + path);
  assert.deepEqual(await client.ended, { code: 4002, reason: 'early' });
  assert.deepEqual(
    client.frames.all.map(({ text }) => text),
    ['hello', 'bye'],
  );
  assert.equal((answer as [boolean])[0], true);
  const id = String((await openOf(scene, path)).headers['ws-connection']);
  const close = await backend.calls.first(isEvent('close', id));
  assert.equal(close.headers['ws-close-code'], '4002');
});

test('describe answers while open is being answered', async (t) => {
  let status = 0;
  onOpen(async (call) => {
    status = (await fetch(urlOf(call))).status;
    return ok();
  });
  await connect(t, gateway.wsUrl + freshPath());
  assert.equal(status, 200);
});

test('frames in the same packet as the upgrade request are delivered after open is answered', async (t) => {
  let isAnswered = false;
  onOpen(async () => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    isAnswered = true;
    return ok();
  });
  const path = freshPath();
  const raw = await openRaw(t, gateway.wsUrl);
  raw.write(upgradeRequest({ path }), frame(TEXT, 'early 1'), frame(PING, 'p'), frame(TEXT, 'early 2'));
  const open = await openOf(scene, path);
  raw.write(frame(TEXT, 'early 3'));
  assert.equal(isAnswered, false);
  const id = String(open.headers['ws-connection']);
  const messages = await backend.calls.atLeast(3, isEvent('message', id));
  assert.equal(isAnswered, true);
  assert.deepEqual(
    messages.map(({ text }) => text),
    ['early 1', 'early 2', 'early 3'],
  );
  await raw.frames.first(({ opcode }) => opcode === PONG);
});

test('frames and a close that came before the 101 are told in order', async (t) => {
  onOpen(() => ok());
  const path = freshPath();
  const raw = await openRaw(t, gateway.wsUrl);
  raw.write(upgradeRequest({ path }), frame(TEXT, 'only'), closeFrame(4003, 'in a hurry'));
  const id = String((await openOf(scene, path)).headers['ws-connection']);
  const close = await backend.calls.first(isEvent('close', id));
  assert.equal(close.headers['ws-close-code'], '4003');
  assert.deepEqual(
    backend.calls.all.filter(({ headers }) => headers['ws-connection'] === id).map(({ headers }) => headers['ws-event']),
    ['open', 'message', 'close'],
  );
  assert.equal(await raw.closeCode, 4003);
});

test('a flood of early frames is held by the kernel and none is lost', async (t) => {
  onOpen(async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return ok();
  });
  const path = freshPath();
  const raw = await openRaw(t, gateway.wsUrl);
  raw.write(upgradeRequest({ path }), ...Array.from({ length: 500 }, (_, index) => frame(TEXT, String(index).padEnd(1_000))));
  const id = String((await openOf(scene, path)).headers['ws-connection']);
  const messages = await backend.calls.atLeast(500, isEvent('message', id));
  assert.deepEqual(
    messages.map(({ text }) => Number(text)),
    Array.from({ length: 500 }, (_, index) => index),
  );
});

test('frames of a client that is then refused reach nobody', async (t) => {
  onOpen(() => ({ status: 403 }));
  const path = freshPath();
  const raw = await openRaw(t, gateway.wsUrl);
  raw.write(upgradeRequest({ path }), frame(TEXT, 'let me in'));
  assert.equal((await raw.answer).status, 403);
  await raw.ended;
  const id = String((await openOf(scene, path)).headers['ws-connection']);
  assert.equal(backend.calls.all.filter(({ headers }) => headers['ws-connection'] === id).length, 1);
  onOpen(() => ok());
  assert.equal('ws' in (await tryConnect(t, gateway.wsUrl + freshPath())), true);
});

test('a client that shuts its sending side before the 101 is told about once, and not held', async (t) => {
  onOpen(() => ok());
  for (const frames of [[], [frame(TEXT, 'last words')]]) {
    const path = freshPath();
    const raw = await openRaw(t, gateway.wsUrl);
    raw.write(upgradeRequest({ path }), ...frames);
    raw.socket.end();
    const id = String((await openOf(scene, path)).headers['ws-connection']);
    const close = await backend.calls.first(isEvent('close', id));
    assert.equal(close.headers['ws-close-code'], '1006');
    const held = new Promise<string>((resolve) => setTimeout(() => resolve('held'), 3_000).unref());
    assert.equal(await Promise.race([raw.ended.then(() => 'ended'), held]), 'ended');
  }
});
