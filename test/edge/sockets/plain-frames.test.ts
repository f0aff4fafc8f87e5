import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { WebSocketServer, type WebSocket } from 'ws';
import { PlainFrames } from '../../../src/edge/sockets/plain-frames.ts';
import { hostileFrames, soundFrames } from '../../fuzz/hostile-frames.ts';
import { makePair } from '../../support/authority.ts';
import { seeded } from '../../support/random.ts';
import { BINARY, closeFrame, CONTINUATION, frame, PING, TEXT, upgradeRequest } from '../../support/raw-socket.ts';

const MAX_MESSAGE_BYTES = 4_096;
const LONGEST_WAIT_MS = 10_000;

/** One connection: what the server heard of it, in order, and how much of it was read past `ws`. */
type Heard = {
  readonly ws: WebSocket;
  readonly stream: Socket;
  readonly log: string[];
  readonly data: Buffer[];
  past: number;
  onMessage: () => unknown;
};

const OVER = ['TCP', 'TLS'] as const;
type Over = (typeof OVER)[number];

async function until(isDone: () => boolean): Promise<void> {
  const giveUp = AbortSignal.timeout(LONGEST_WAIT_MS);
  while (!isDone()) {
    giveUp.throwIfAborted();
    await turn();
  }
}

/** A server that reads plain frames itself for clients of `/ours`, and none for those of `/ws`. */
async function scene(t: TestContext, over: Over) {
  const wss = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, autoPong: false, clientTracking: false });
  const http = over === 'TLS' ? createTlsServer(await makePair('localhost', 'leaf')) : createServer();
  const waiting = new Map<string, (heard: Heard) => void>();
  let opened = 0;
  http.on('upgrade', (request, socket, head) =>
    wss.handleUpgrade(request, socket, head, (ws) => {
      const heard: Heard = { ws, stream: socket as Socket, log: [], data: [], past: 0, onMessage: () => {} };
      const receive = (data: Buffer, isBinary: boolean): void => {
        heard.data.push(data);
        heard.log.push(`${isBinary ? 'binary' : 'text'} ${data.toString('hex')}`);
        heard.onMessage();
      };
      ws.on('message', receive);
      ws.on('ping', (data) => heard.log.push(`ping ${data.toString('hex')}`));
      ws.on('pong', (data) => heard.log.push(`pong ${data.toString('hex')}`));
      ws.on(
        'error',
        (error: NodeJS.ErrnoException) => error.code?.startsWith('WS_') && heard.log.push(`error ${error.code} ${error.message}`),
      );
      ws.on('close', (code, reason) => heard.log.push(`close ${code} ${reason.toString('hex')}`));
      if (request.url?.startsWith('/ours'))
        new PlainFrames(ws, socket as Socket, {
          receive(data, isBinary) {
            heard.past += 1;
            receive(data, isBinary);
          },
        }).start();
      waiting.get(request.url ?? '')?.(heard);
    }),
  );
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => http.close());
  return async (path: '/ours' | '/ws') => {
    const address = { port: (http.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true };
    const peer = over === 'TLS' ? connectTls({ ...address, rejectUnauthorized: false }) : connect(address);
    t.after(() => peer.destroy());
    peer.on('error', () => {}); // a reset is an end like any other
    const url = `${path}/${(opened += 1)}`;
    const upgraded = new Promise<Heard>((resolve) => void waiting.set(url, resolve));
    peer.write(upgradeRequest({ path: url }));
    const heard = await upgraded;
    peer.resume();
    const before = heard.stream.bytesRead;
    let written = 0;
    /** Resolves when it is read, or when nobody reads it any more. */
    const write = async (piece: Buffer): Promise<void> => {
      written += piece.length;
      if (peer.writable) peer.write(piece);
      await until(() => heard.stream.bytesRead - before >= written || heard.stream.destroyed || heard.ws.readyState !== heard.ws.OPEN);
    };
    const ended = async (): Promise<void> => {
      peer.end();
      await until(() => heard.log.some((line) => line.startsWith('close')));
    };
    return { heard, write, ended, peer };
  };
}

/** Over TLS a piece is a record, and what waits in the stream when its client is paused is another matter. */
function each(name: string, run: (t: TestContext, over: Over) => Promise<void>): void {
  for (const over of OVER) test(`${name} (${over})`, (t) => run(t, over));
}

each('whatever a client sends, and in whatever pieces it comes: what is heard is what `ws` alone hears', async (t, over) => {
  const open = await scene(t, over);
  let [past, all] = [0, 0];
  for (let seed = 1; seed <= 500; seed += 1) {
    const random = seeded(seed);
    const inputs = Array.from({ length: 1 + random.below(8) }, () =>
      random.below(10) === 0 ? hostileFrames(random) : soundFrames(random),
    );
    const bytes = Buffer.concat(inputs);
    const between = inputs.map((_, index) => Buffer.concat(inputs.slice(0, index)).length).filter(() => random.below(3) > 0);
    const anywhere = Array.from({ length: random.below(4) }, () => random.below(bytes.length + 1));
    const bounds = [0, ...between, ...anywhere, bytes.length].toSorted((one, other) => one - other);
    const lines = await Promise.all([open('/ours'), open('/ws')]);
    for (const { write, ended } of lines) {
      for (let index = 0; index + 1 < bounds.length; index += 1) await write(bytes.subarray(bounds[index], bounds[index + 1]));
      await ended();
    }
    const [ours, theirs] = lines.map(({ heard }) => heard) as [Heard, Heard];
    assert.deepEqual(ours.log, theirs.log, `seed ${seed}: ${bytes.toString('hex')}`);
    past += ours.past;
    all += ours.log.filter((line) => /^(?:text|binary)/.test(line)).length;
    assert.equal(theirs.past, 0);
  }
  assert.ok(past > all / 5 && past < all, `${past} of ${all} messages were read past ws: one of the ways was hardly tried`);
});

each(
  'frames of every length around the forms of a length, each of them alone and with others, in one piece and in two',
  async (t, over) => {
    const open = await scene(t, over);
    for (const size of [
      0, 1, 2, 124, 125, 126, 127, 255, 256, 257, 1_023, 1_024, 1_025, 2_047, 2_048, 2_049, 2_050, 2_051, 4_095, 4_096, 4_097,
    ]) {
      const bytes = Buffer.concat([
        frame(TEXT, 'x'),
        frame(BINARY, Buffer.alloc(size, size)),
        frame(TEXT, 'y'.repeat(size)),
        closeFrame(1_000),
      ]);
      for (const cut of [0, 7, 9, 11, 12, bytes.length - 9]) {
        const lines = await Promise.all([open('/ours'), open('/ws')]);
        for (const { write, ended } of lines) {
          await write(bytes.subarray(0, cut));
          await write(bytes.subarray(cut));
          await ended();
        }
        assert.deepEqual(lines[0].heard.log, lines[1].heard.log, `${size} bytes, cut at ${cut}`);
      }
    }
  },
);

/** Each of them begins where a reader that has lost its place would see a whole message. */
const SPLIT: Readonly<Record<string, readonly string[]>> = {
  'behind the first byte': ['82', '81800000000041'],
  'behind the mask': ['828600000000', '818000000000'],
  'behind a long length': ['82fe', '008600000000' + '00'.repeat(134)],
  'between a fragment and a message, which may not be': ['01810000000061', '81810000000062'],
  'between a fragment and its end': ['01810000000061', '80810000000062', '81810000000063'],
  'behind a length of eight bytes, where two would do': ['82ff000000000000012c00000000' + '07'.repeat(300), '81810000000063'],
};

each('pieces that end where a message seems to begin, and lengths in forms that are too long', async (t, over) => {
  const open = await scene(t, over);
  for (const [what, pieces] of Object.entries(SPLIT)) {
    const lines = await Promise.all([open('/ours'), open('/ws')]);
    for (const { write, ended } of lines) {
      for (const piece of pieces) await write(Buffer.from(piece, 'hex'));
      await ended();
    }
    assert.deepEqual(lines[0].heard.log, lines[1].heard.log, what);
  }
});

each('text that is none, wherever in a message the wrong byte is', async (t, over) => {
  const open = await scene(t, over);
  for (const [size, wrong] of [
    [1, 0],
    [200, 199],
    [2_048, 0],
    [2_051, 2_047],
    [2_051, 2_048],
    [2_051, 2_050],
  ] as const) {
    const payload = Buffer.alloc(size, 'a');
    payload[wrong] = 0xff;
    const lines = await Promise.all([open('/ours'), open('/ws')]);
    for (const { write, ended } of lines) {
      await write(frame(TEXT, payload));
      await ended();
    }
    assert.deepEqual(lines[0].heard.log, lines[1].heard.log, `${size} bytes, wrong at ${wrong}`);
    assert.match(lines[0].heard.log[0] ?? '', /WS_ERR_INVALID_UTF8/);
  }
});

each('a read that fills the whole buffer, and ends in a header', async (t, over) => {
  const open = await scene(t, over);
  const { heard, write } = await open('/ours');
  const { ws, log } = heard;
  const one = frame(BINARY, Buffer.alloc(1_000, 1));
  const most = Buffer.concat(Array.from({ length: 64 }, () => one));
  const filled = Buffer.concat([most, frame(BINARY, Buffer.alloc(65_534 - most.length - 8, 2)), frame(BINARY, Buffer.alloc(300, 3))]);
  ws.pause();
  const written = write(filled);
  for (let turns = 0; turns < 50; turns += 1) await turn(); // all of it waits in the kernel by then, mostly
  ws.resume();
  await written;
  await write(text(1));
  assert.equal(log.length, 67);
  assert.equal(log.at(-1), `text ${Buffer.from('message 1').toString('hex')}`);
});

function text(number: number): Buffer {
  return frame(TEXT, `message ${number}`);
}

each(
  'who is paused in the midst of a piece hears the rest of the piece, nothing behind it, and after that all, in order',
  async (t, over) => {
    const open = await scene(t, over);
    const { heard, write, peer } = await open('/ours');
    const { ws, log } = heard;
    const count = (): number => log.filter((line) => line.startsWith('text')).length;
    ws.once('ping', () => ws.pause());
    await write(Buffer.concat([text(0), text(1), frame(PING), text(2), text(3).subarray(0, 5)]));
    assert.equal(count(), 3);
    peer.write(Buffer.concat([text(3).subarray(5), text(4)]));
    for (let turns = 0; turns < 50; turns += 1) await turn();
    assert.equal(count(), 3, 'a paused client was read');
    ws.resume();
    await until(() => count() >= 5);
    await write(Buffer.concat([text(5), frame(TEXT, 'mess', { fin: false }), frame(CONTINUATION, 'age 6'), text(7)]));
    await until(() => count() >= 8);
    const expected = Array.from({ length: 8 }, (_, number) => `text ${Buffer.from(`message ${number}`).toString('hex')}`);
    assert.deepEqual(
      log.filter((line) => line.startsWith('text')),
      expected,
    );
    assert.ok(heard.past >= 3);
  },
);

each('who is paused by a message hears no more, however much has been read, until it goes on', async (t, over) => {
  const open = await scene(t, over);
  const { heard, peer } = await open('/ours');
  const { ws, log } = heard;
  heard.onMessage = () => heard.log.length === 2 && ws.pause();
  for (let number = 0; number < 40; number += 1) peer.write(Buffer.concat([text(number), frame(BINARY, Buffer.alloc(1_000))])); // a record each
  await until(() => log.length >= 2);
  for (let turns = 0; turns < 50; turns += 1) await turn();
  assert.equal(log.length, 2);
  ws.resume();
  await until(() => log.length === 80);
  assert.deepEqual(
    log.filter((line) => line.startsWith('text')),
    Array.from({ length: 40 }, (_, number) => `text ${Buffer.from(`message ${number}`).toString('hex')}`),
  );
});

each('a message is its own: later ones do not change it, and it keeps little memory beside its own', async (t, over) => {
  const open = await scene(t, over);
  const { heard, write } = await open('/ours');
  await write(Buffer.concat([frame(PING), text(0)]));
  assert.deepEqual([heard.past, heard.data.length], [0, 1]);
  assert.ok((heard.data.shift()?.buffer.byteLength ?? Infinity) <= 1_024, 'what `ws` has read keeps more than its own');
  const sizes = [0, 1, 100, 256, 257, 1_024, 4_096];
  for (const size of [...sizes, ...sizes]) await write(frame(BINARY, Buffer.alloc(size, size & 255)));
  assert.equal(heard.past, 2 * sizes.length);
  for (const [index, data] of heard.data.entries()) {
    const size = sizes[index % sizes.length] ?? 0;
    assert.deepEqual(data, Buffer.alloc(size, size & 255));
    assert.ok(data.buffer.byteLength <= Math.max(1_024, size), `${size} bytes keep ${data.buffer.byteLength}`);
    if (data.buffer.byteLength > size)
      assert.throws(() => structuredClone(data, { transfer: [data.buffer] }), { name: 'DataCloneError' }, 'others would lose theirs');
  }
});
