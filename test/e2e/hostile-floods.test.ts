import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { startGateway } from '../support/gateway.ts';
import { enter, freshPath, isEvent, ok, openOf, stillServes, wholeFile } from '../support/guests.ts';
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  frame,
  PING,
  PONG,
  TEXT,
  upgradeRaw,
  upgradeRequest,
  openRaw,
  type RawSocket,
} from '../support/raw-socket.ts';

let hold: Promise<void> | null = null;
const backend = await startBackend(wholeFile, async (call) => {
  if (isEvent('message')(call) && call.headers['authorization'] === 'flood' && hold !== null) await hold;
  return ok();
});
const MAX_MESSAGE_BYTES = 100_000;
const gateway = await startGateway(wholeFile, { API_URI: backend.url, MAX_MESSAGE_BYTES: String(MAX_MESSAGE_BYTES) });
const scene = { gateway, backend };
const witness = await enter(wholeFile, scene);

const rssMegabytes = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) / 1024;

async function flooder(t: Parameters<typeof upgradeRaw>[0]): Promise<RawSocket & { readonly id: string }> {
  const path = freshPath();
  const raw = await upgradeRaw(t, gateway.wsUrl, { path, headers: { Authorization: 'flood' } });
  return { ...raw, id: String((await openOf(scene, path)).headers['ws-connection']) };
}

/** The most memory that the gateway held while this ran, above what it had before. */
async function growth(work: () => Promise<void>): Promise<number> {
  const before = rssMegabytes();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, rssMegabytes())), 20);
  await work().finally(() => clearInterval(timer));
  return Math.max(most, rssMegabytes()) - before;
}

/** Holds every message of a flooder until it is called. */
function holdMessages(): () => void {
  const { promise, resolve: release } = Promise.withResolvers<void>();
  hold = promise;
  return () => {
    hold = null;
    release();
  };
}

test('10,000 frames of one byte in one write and a slow backend: bounded, in order, none lost', async (t) => {
  const raw = await flooder(t);
  const release = holdMessages();
  t.after(release);
  raw.write(...Array.from({ length: 10_000 }, (_, index) => frame(TEXT, String.fromCharCode(97 + (index % 26)))));
  await backend.calls.first(isEvent('message', raw.id));
  await stillServes(scene, witness);
  assert.equal(backend.calls.all.filter(isEvent('message', raw.id)).length, 1, 'one call at a time');
  release();
  const calls = await backend.calls.atLeast(10_000, isEvent('message', raw.id), 20_000);
  for (const [index, call] of calls.entries()) {
    assert.equal(call.text, String.fromCharCode(97 + (index % 26)));
    assert.equal(call.headers['ws-seq'], String(index + 1));
  }
});

test('two hundred megabytes that the backend does not take stay in the sender’s kernel', async (t) => {
  const release = holdMessages();
  t.after(release);
  const raws = await Promise.all(Array.from({ length: 10 }, () => flooder(t)));
  const chunk = Buffer.concat(Array.from({ length: 200 }, () => frame(BINARY, Buffer.alloc(100_000, 1)))); // 20 MB, more than the kernel takes
  const grown = await growth(async () => {
    for (const raw of raws) raw.socket.write(chunk);
    await backend.calls.atLeast(10, (call) => isEvent('message')(call) && raws.some(({ id }) => id === call.headers['ws-connection']));
    for (let round = 0; round < 20; round += 1) await stillServes(scene, witness);
  });
  // 10 inboxes of 256 KiB, each with a message more, and what is read at once: 10 MB; the rest is for the allocator and the witness's work
  assert.ok(grown < 60, `${grown.toFixed(1)} MB more`);
  assert.ok(
    raws.every(({ socket }) => socket.writableLength > 0),
    'the gateway reads no more than it may',
  );
  for (const raw of raws) raw.socket.destroy();
});

test('a message may have as many fragments as bytes, and 16,384 more; one beyond ends with 1008', async (t) => {
  for (const [count, isWhole] of [
    [MAX_MESSAGE_BYTES + 16_384, true],
    [MAX_MESSAGE_BYTES + 16_385, false],
  ] as const) {
    const raw = await flooder(t);
    const middle = Array.from({ length: count - 2 }, () => frame(CONTINUATION, '', { fin: false }));
    raw.write(frame(TEXT, 'x', { fin: false }), Buffer.concat(middle), frame(CONTINUATION, 'x'));
    if (isWhole) assert.equal((await backend.calls.first(isEvent('message', raw.id))).text, 'xx');
    else assert.equal(await raw.closeCode, 1008);
  }
});

test('a message in a flood of tiny or empty fragments is bounded, and its sender told', async (t) => {
  for (const [what, piece] of [
    ['one byte', frame(CONTINUATION, 'x', { fin: false })],
    ['nothing', frame(CONTINUATION, '', { fin: false })],
  ] as const) {
    const raw = await flooder(t);
    const flood = Buffer.concat(Array.from({ length: 20_000 }, () => piece));
    const grown = await growth(async () => {
      raw.write(frame(TEXT, 'x', { fin: false }));
      for (let round = 0; round < 16 && raw.socket.writable; round += 1) {
        raw.write(flood);
        await stillServes(scene, witness);
      }
    });
    assert.ok(grown < 60, `${what}: ${grown.toFixed(1)} MB more`);
    const code = await raw.closeCode;
    assert.ok(code === 1008 || code === 1009, `${what}: ${String(code)}`);
    const close = await backend.calls.first(isEvent('close', raw.id));
    assert.equal(close.headers['ws-close-code'], String(code));
    assert.equal(backend.calls.all.filter(isEvent('message', raw.id)).length, 0);
  }
});

test('pings in a burst have their pongs, all of them, in order, whole or in single bytes (Autobahn 2.10, 2.11)', async (t) => {
  for (const isChopped of [false, true]) {
    const raw = await flooder(t);
    const bytes = Buffer.concat(Array.from({ length: 10 }, (_none, index) => frame(PING, `ping ${index}`)));
    if (isChopped) for (const byte of bytes) raw.write(Buffer.from([byte]));
    else raw.write(bytes);
    const pongs = await raw.frames.atLeast(10, ({ opcode }) => opcode === PONG);
    assert.deepEqual(
      pongs.map(({ payload }) => payload.toString()),
      Array.from({ length: 10 }, (_none, index) => `ping ${index}`),
    );
  }
});

test('a flood of pings is answered or slowed, and costs its sender only', async (t) => {
  const raw = await flooder(t);
  const pings = Buffer.concat(Array.from({ length: 20_000 }, () => frame(PING, 'x'.repeat(125))));
  raw.write(pings, frame(PING, 'last'), frame(TEXT, 'after the pings'));
  // RFC 6455 §5.5.3: it is enough to answer the most recent ping. A gateway that will not must say so by a close code
  const answered = raw.frames.first(({ opcode, payload }) => opcode === PONG && payload.toString() === 'last', 8_000);
  const told = raw.closeCode.then((code) => assert.equal(code, 1008, 'ended without being told'));
  await Promise.race([answered, told]);
  await stillServes(scene, witness);
});

test('a flood of pings from one that never reads the pongs is bounded', async (t) => {
  const raw = await flooder(t);
  raw.socket.pause();
  const pings = Buffer.concat(Array.from({ length: 40_000 }, () => frame(PING, 'x'.repeat(125)))); // 5 MB a round
  const grown = await growth(async () => {
    for (let round = 0; round < 32; round += 1) {
      raw.write(pings);
      await stillServes(scene, witness);
    }
    await witness.push('x');
    for (let round = 0; round < 30; round += 1) await stillServes(scene, witness);
  });
  // 160 MB of pings; what may wait is one pong and what the kernel holds, the rest is garbage that V8 has not collected
  assert.ok(grown < 100, `${grown.toFixed(1)} MB more`);
});

test('a flood of pings, pongs and empty frames while open is being answered is bounded', async (t) => {
  const raw = await openRaw(t, gateway.wsUrl);
  const grown = await growth(async () => {
    raw.write(
      upgradeRequest({ path: '/impatient' }),
      ...Array.from({ length: 5 }, () => Buffer.concat(Array.from({ length: 20_000 }, () => frame(PONG, 'x')))),
    );
    await openOf(scene, '/impatient');
    await stillServes(scene, witness);
  });
  assert.ok(grown < 60, `${grown.toFixed(1)} MB more`);
  raw.write(frame(CLOSE));
  await raw.closeCode;
});

test('a thousand clients that come and leave at once are all told of', async (t) => {
  const before = backend.calls.all.filter(isEvent('close')).length;
  const opens = (): number => backend.calls.all.filter((call) => isEvent('open')(call) && call.text.includes('"/hasty"')).length;
  const raws = await Promise.all(Array.from({ length: 1_000 }, () => openRaw(t, gateway.wsUrl)));
  for (const raw of raws) {
    raw.write(upgradeRequest({ path: '/hasty' }));
    raw.socket.resetAndDestroy();
  }
  await stillServes(scene, witness);
  const guest = await enter(t, scene, { path: '/hasty-last' }); // opens are served in order, so all before it have been asked
  guest.ws.close();
  await backend.calls.first(isEvent('close', guest.id));
  const closes = (): number => backend.calls.all.filter(isEvent('close')).length - before;
  await backend.calls.atLeast(before + opens(), isEvent('close'));
  assert.ok(closes() >= opens());
});
