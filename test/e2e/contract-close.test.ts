import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBackend, type Call } from '../support/backend.ts';
import { startGateway } from '../support/gateway.ts';
import { enter, freshPath, isEvent, ok, openOf, wholeFile } from '../support/guests.ts';
import { ENDINGS } from '../support/endings.ts';
import { closeFrame, frame, TEXT, upgradeRaw, type RawSocket } from '../support/raw-socket.ts';

const backend = await startBackend(wholeFile);
const gateway = await startGateway(wholeFile, { API_URI: backend.url, MAX_MESSAGE_BYTES: '1000', CLOSE_TIMEOUT_MS: '300' });
const scene = { gateway, backend };

const codeOf = (call: Call): number => (JSON.parse(call.text) as { close_code: number }).close_code;
const reasonOf = (call: Call): string => (JSON.parse(call.text) as { close_reason: string }).close_reason;

async function rawGuest(t: Parameters<typeof upgradeRaw>[0]): Promise<RawSocket & { readonly id: string }> {
  const path = freshPath();
  const raw = await upgradeRaw(t, gateway.wsUrl, { path });
  return { ...raw, id: String((await openOf(scene, path)).headers['ws-connection']) };
}

for (const [what, bytes, answered, expected] of ENDINGS) {
  test(`${what}: the client gets ${answered}, the backend is told ${expected}, once and last`, async (t) => {
    const raw = await rawGuest(t);
    raw.write(frame(TEXT, 'before'), bytes);
    assert.equal(await raw.closeCode, answered);
    const close = await backend.calls.first(isEvent('close', raw.id));
    await raw.ended;
    assert.deepEqual([codeOf(close), close.headers['ws-close-code']], [expected, String(expected)]);
    if (expected === 4321) assert.equal(reasonOf(close), 'mine');
    const calls = backend.calls.all.filter(({ headers }) => headers['ws-connection'] === raw.id);
    assert.deepEqual(
      calls.map(({ headers, text }) => (headers['ws-event'] === 'message' ? text : headers['ws-event'])),
      ['open', 'before', 'close'],
    );
  });
}

test('a connection that just drops is 1006, reset or not', async (t) => {
  for (const end of ['destroy', 'resetAndDestroy', 'end'] as const) {
    const raw = await rawGuest(t);
    raw.socket[end]();
    assert.equal(codeOf(await backend.calls.first(isEvent('close', raw.id))), 1006, end);
  }
});

test('a client that is closed by the backend and never answers is told as 1006 when CLOSE_TIMEOUT_MS is over', async (t) => {
  const raw = await rawGuest(t);
  assert.equal((await fetch(`${gateway.controlUrl}/${raw.id}?code=4009`, { method: 'DELETE' })).status, 200);
  assert.equal(await raw.closeCode, 4009);
  await raw.ended;
  const close = await backend.calls.first(isEvent('close', raw.id));
  assert.deepEqual([codeOf(close), close.headers['ws-close-code']], [1006, '1006']);
  assert.equal(backend.calls.all.filter(isEvent('close', raw.id)).length, 1);
});

test('when both sides close, the frame that came first gives the code, and there is one close event', async (t) => {
  const raw = await rawGuest(t);
  assert.equal((await fetch(`${gateway.controlUrl}/${raw.id}?code=4010&reason=ours`, { method: 'DELETE' })).status, 200);
  await raw.closeCode;
  raw.write(closeFrame(4011, 'theirs'));
  const close = await backend.calls.first(isEvent('close', raw.id));
  assert.deepEqual([codeOf(close), reasonOf(close)], [4010, 'ours']);
});

test('what a client had sent before the backend closed it still arrives before the close event', async (t) => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  backend.answer = async (call) => {
    if (isEvent('message')(call)) await held;
    return ok();
  };
  const guest = await enter(t, scene);
  for (const text of ['1', '2', '3']) guest.ws.send(text);
  await backend.calls.first(isEvent('message', guest.id));
  await fetch(guest.command('?code=4001'), { method: 'DELETE' });
  await guest.ended;
  assert.equal(backend.calls.all.some(isEvent('close', guest.id)), false);
  release();
  await backend.calls.first(isEvent('close', guest.id));
  assert.deepEqual(
    backend.calls.all.filter(isEvent('message', guest.id)).map(({ text }) => text),
    ['1', '2', '3'],
  );
});

for (const acknowledged of [200, 204, 404, 410]) {
  test(`a close event is told again, with one event id, until the backend says ${acknowledged}`, async (t) => {
    const answers = [503, 500, 400, 301, acknowledged];
    let attempt = 0;
    backend.answer = (call) => {
      if (!isEvent('close')(call)) return ok();
      attempt += 1;
      return { status: answers[attempt - 1] ?? 200 };
    };
    const guest = await enter(t, scene);
    guest.ws.close(1000);
    const calls = await backend.calls.atLeast(5, isEvent('close', guest.id), 20_000);
    assert.equal(new Set(calls.map(({ headers }) => headers['ws-event-id'])).size, 1);
    const next = await enter(t, scene);
    next.ws.close();
    await backend.calls.first(isEvent('close', next.id));
    assert.equal(backend.calls.all.filter(isEvent('close', guest.id)).length, 5);
  });
}

test('an undelivered close event delays nobody', async (t) => {
  backend.answer = (call) => (isEvent('close')(call) ? null : ok());
  const leavers = await Promise.all(Array.from({ length: 40 }, () => enter(t, scene)));
  for (const { ws } of leavers) ws.close();
  await Promise.all(leavers.map(({ ended }) => ended));
  const guest = await enter(t, scene);
  guest.ws.send('quick');
  await backend.calls.first(({ text }) => text === 'quick', 1_000);
  backend.answer = () => ok();
});
