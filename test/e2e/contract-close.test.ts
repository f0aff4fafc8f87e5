import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBackend, type Call } from '../support/backend.ts';
import { startGateway } from '../support/gateway.ts';
import { enter, freshPath, isEvent, ok, openOf, wholeFile } from '../support/guests.ts';
import { BINARY, CLOSE, closeFrame, CONTINUATION, frame, PING, TEXT, upgradeRaw, type RawSocket } from '../support/raw-socket.ts';

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

/** What the peer sends, the code in the frame that it gets, the code that the backend is told. */
const ENDINGS: readonly (readonly [what: string, bytes: Buffer, answered: number | null, told: number])[] = [
  ['a close frame 1000', closeFrame(1000, 'done'), 1000, 1000],
  ['a close frame 1001', closeFrame(1001), 1001, 1001],
  ['a close frame 4321 with a reason', closeFrame(4321, 'mine'), 4321, 4321],
  ['a close frame without a code', frame(CLOSE), 0, 1005],
  ['a close frame with half a code', frame(CLOSE, Buffer.from([3])), 1002, 1002],
  ['a close frame with a code that may not be sent', closeFrame(1006), 1002, 1002],
  ['a close frame with a reason that is no UTF-8', frame(CLOSE, Buffer.from([3, 232, 0xc3, 0x28])), 1007, 1007],
  ['a text frame over the limit', frame(TEXT, 'x'.repeat(1_001)), 1009, 1009],
  [
    'fragments over the limit',
    Buffer.concat([frame(BINARY, 'x'.repeat(600), { fin: false }), frame(CONTINUATION, 'x'.repeat(401))]),
    1009,
    1009,
  ],
  ['only the head of a frame of 2^62 bytes', Buffer.from([0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]), 1009, 1009],
  ['text that is no UTF-8', frame(TEXT, Buffer.from([0xc3, 0x28])), 1007, 1007],
  ['an unmasked frame', frame(TEXT, 'x', { masked: false }), 1002, 1002],
  ['a reserved opcode', frame(3, 'x'), 1002, 1002],
  ['a reserved control opcode', frame(11), 1002, 1002],
  ['a reserved bit', frame(0x40 | TEXT, 'x'), 1002, 1002],
  ['a fragmented ping', frame(PING, '', { fin: false }), 1002, 1002],
  ['a ping over 125 bytes', frame(PING, 'x'.repeat(126)), 1002, 1002],
  ['a continuation of nothing', frame(CONTINUATION, 'x'), 1002, 1002],
  ['a new message within a message', Buffer.concat([frame(TEXT, 'x', { fin: false }), frame(TEXT, 'y')]), 1002, 1002],
];

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
