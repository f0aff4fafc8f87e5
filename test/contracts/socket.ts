import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket as NetSocket } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import type { WebSocket } from 'ws';
import type { Connection } from '../../src/core/connection.ts';
import type { Message } from '../../src/core/events.ts';
import type { Socket } from '../../src/core/ports.ts';
import { Arrivals } from '../support/arrivals.ts';
import { endOfTurn } from './manual-clock.ts';

/** What an adapter reports to its connection. */
export type Reports = Pick<Connection, 'receive' | 'alive' | 'ended'>;

/** A socket under test with the client at its other end: `ws` for what is well-formed, its TCP socket for the rest. */
export type SocketScene = { readonly socket: Socket; readonly client: WebSocket; readonly wire: NetSocket };

/** `maxMessageBytes` and `closeTimeoutMs` are as in SCENE. Whatever is opened is closed by `t.after`. */
export type SocketFactory = (t: TestContext, reports: Reports) => Promise<SocketScene>;

export const SCENE = { maxMessageBytes: 100_000, closeTimeoutMs: 150 };

type Ending = { readonly code: number; readonly reason: string };

/** Records what is reported, and fails the test for an end that comes twice or from inside a call. */
class Recorder implements Reports {
  readonly messages = new Arrivals<{ readonly text: string; readonly isBinary: boolean }>();
  readonly endings = new Arrivals<Ending>();
  alives = 0;
  isCalling = false;

  receive(data: Buffer, isBinary: boolean): void {
    assert.equal(this.endings.all.length, 0, 'nothing is received after the end');
    this.messages.add({ text: data.toString(), isBinary });
  }

  alive(): void {
    this.alives += 1;
  }

  ended(code: number, reason: string): void {
    assert.equal(this.isCalling, false, 'the end must not come from inside a call');
    assert.equal(this.endings.all.length, 0, 'the end comes once');
    this.endings.add({ code, reason });
  }

  /** Runs calls of the socket; no end may come from inside. */
  during(calls: () => void): void {
    this.isCalling = true;
    calls();
    this.isCalling = false;
  }

  async end(): Promise<Ending> {
    const ending = await this.endings.first(() => true);
    await endOfTurn();
    await endOfTurn();
    return ending;
  }
}

const text = (data: string, shared?: { wire: Buffer | null }): Message => ({
  data: Buffer.from(data),
  isBinary: false,
  ...(shared && { shared }),
});

/** What every adapter of the port `Socket` promises. */
export function socketContract(name: string, create: SocketFactory): void {
  async function scene(t: TestContext) {
    const reports = new Recorder();
    const made = await create(t, reports);
    const frames = new Arrivals<{ readonly text: string; readonly isBinary: boolean }>();
    made.client.on('message', (data: Buffer, isBinary: boolean) => frames.add({ text: data.toString(), isBinary }));
    made.client.on('error', () => {});
    return { ...made, reports, frames };
  }

  suite(`socket ${name}`, () => {
    test('frames of the client are reported whole and in order, text apart from binary', async (t) => {
      const { client, reports } = await scene(t);
      for (let count = 0; count < 50; count += 1) client.send(count % 2 === 0 ? `text ${count}` : Buffer.from(`binary ${count}`));
      client.send('fragments ', { fin: false });
      client.send('are one', { fin: true });
      const messages = await reports.messages.atLeast(51);
      assert.deepEqual(
        messages.slice(0, 50),
        Array.from({ length: 50 }, (_, count) => ({ text: `${count % 2 === 0 ? 'text' : 'binary'} ${count}`, isBinary: count % 2 === 1 })),
      );
      assert.deepEqual(messages[50], { text: 'fragments are one', isBinary: false });
    });

    test('frames go out in call order, whether made once for many sockets or for one, large or small', async (t) => {
      const { socket, frames } = await scene(t);
      const sizes = [0, 1, 125, 126, 65_535, 65_536, 10];
      for (const [place, size] of sizes.entries()) {
        socket.send({ data: Buffer.alloc(size, 'x'), isBinary: place % 2 === 0 });
        socket.send(text(`shared ${size} ${'y'.repeat(size)}`, { wire: null }));
      }
      const came = await frames.atLeast(2 * sizes.length);
      const expected = sizes.flatMap((size, place) => [
        { text: 'x'.repeat(size), isBinary: place % 2 === 0 },
        { text: `shared ${size} ${'y'.repeat(size)}`, isBinary: false },
      ]);
      assert.deepEqual(came, expected);
    });

    test("the client's close frame ends it with the client's code and reason", async (t) => {
      const { client, reports } = await scene(t);
      client.close(4321, 'enough');
      assert.deepEqual(await reports.end(), { code: 4321, reason: 'enough' });
    });

    test('a close frame without a code is 1005, a drop without a close frame 1006', async (t) => {
      const silent = await scene(t);
      silent.client.close();
      assert.equal((await silent.reports.end()).code, 1005);
      const dropped = await scene(t);
      dropped.wire.resetAndDestroy();
      assert.equal((await dropped.reports.end()).code, 1006);
    });

    test('our close frame ends it with our code once the client has answered, and what it sent before counts', async (t) => {
      const { socket, client, reports } = await scene(t);
      const closed = once(client, 'close');
      client.pause();
      client.send('on its way');
      reports.during(() => socket.close(4001, 'bye'));
      assert.deepEqual(reports.endings.all, []);
      await reports.messages.first(() => true);
      client.resume();
      assert.deepEqual(await reports.end(), { code: 4001, reason: 'bye' });
      assert.deepEqual((await closed).map(String), ['4001', 'bye']);
    });

    test('a client that never answers our close frame is ended within the time-out, with 1006', async (t) => {
      const { socket, client, reports } = await scene(t);
      client.pause();
      const startedAt = Date.now();
      reports.during(() => socket.close(4001, 'bye'));
      assert.equal((await reports.end()).code, 1006);
      assert.ok(Date.now() - startedAt >= SCENE.closeTimeoutMs - 20);
    });

    test('terminate ends it at once, without a close frame, and not from inside', async (t) => {
      const { socket, client, reports } = await scene(t);
      const closed = once(client, 'close');
      reports.during(() => socket.terminate());
      assert.equal((await reports.end()).code, 1006);
      assert.equal((await closed)[0], 1006);
    });

    test('whatever is done twice, or after the end, ends it once and throws nothing', async (t) => {
      const { socket, reports } = await scene(t);
      const everything = (): void => {
        socket.send(text('x'));
        socket.send(text('x', { wire: null }));
        socket.ping();
        socket.pause();
        socket.resume();
        socket.close(1000, '');
        socket.terminate();
        socket.send(text('late'));
        socket.send(text('late', { wire: null }));
        socket.ping();
        socket.close(1001, 'late');
      };
      reports.during(everything);
      await reports.end();
      reports.during(everything);
      reports.during(everything);
      await endOfTurn();
      assert.ok(socket.bufferedBytes >= 0 && socket.receivedBytes >= 0);
    });

    test('sending to a client that has just vanished throws nothing, and the end comes', async (t) => {
      const { socket, wire, reports } = await scene(t);
      wire.resetAndDestroy();
      for (let count = 0; reports.endings.all.length === 0; count += 1) {
        socket.send(text(`frame ${count}`, count % 2 === 0 ? { wire: null } : undefined));
        await endOfTurn();
      }
      assert.equal((await reports.end()).code, 1006);
    });

    test('nothing is sent after the close frame', async (t) => {
      const { socket, client, frames, reports } = await scene(t);
      const closed = once(client, 'close');
      socket.send(text('before'));
      socket.close(1000, '');
      socket.send(text('after'));
      socket.send(text('after', { wire: null }));
      await closed;
      await reports.end();
      assert.deepEqual(
        frames.all.map((frame) => frame.text),
        ['before'],
      );
    });

    test('broken input ends it with the code of RFC 6455 §7.4.1', async (t) => {
      const mask = [0, 0, 0, 0];
      const inputs: readonly (readonly [string, number, readonly number[]])[] = [
        ['text that is no UTF-8', 1007, [0x81, 0x82, ...mask, 0xc3, 0x28]],
        ['a reserved opcode', 1002, [0x83, 0x80, ...mask]],
        ['a frame without a mask', 1002, [0x81, 0x01, 0x61]],
        ['a reserved bit', 1002, [0xa1, 0x80, ...mask]],
        ['a control frame in fragments', 1002, [0x09, 0x80, ...mask]],
        ['a close frame of one byte', 1002, [0x88, 0x81, ...mask, 0x03]],
        ['a close code that may not be sent', 1002, [0x88, 0x82, ...mask, 0x03, 0xed]],
        ['a message over the limit', 1009, [0x82, 0xff, 0, 0, 0, 0, 0, 2, 0, 0, ...mask]],
      ];
      for (const [what, code, input] of inputs) {
        const { client, wire, reports } = await scene(t);
        const closed = once(client, 'close');
        wire.write(Buffer.from(input));
        assert.equal((await reports.end()).code, code, what);
        assert.equal((await closed)[0], code, `${what}: the client is told`);
      }
    });

    test('a paused socket reads no more, and goes on in order once resumed', async (t) => {
      const { socket, client, reports } = await scene(t);
      const big = 'x'.repeat(50_000);
      client.send('first');
      await reports.messages.first(() => true);
      socket.pause();
      for (let count = 0; count < 200; count += 1) client.send(`${count} ${big}`);
      client.send('last');
      for (let turn = 0; turn < 200; turn += 1) await endOfTurn(); // more than all of it would need
      const ahead = reports.messages.all.length - 1;
      assert.ok(ahead * big.length < 1_000_000, `${ahead} messages were read while paused`);
      socket.resume();
      const all = await reports.messages.atLeast(202);
      assert.deepEqual(
        all.slice(1, 201).map((message) => Number(message.text.split(' ')[0])),
        Array.from({ length: 200 }, (_, count) => count),
      );
      assert.equal(all[201]?.text, 'last');
    });

    test('bufferedBytes grows while the client does not read, and returns to 0', async (t) => {
      const { socket, client, frames } = await scene(t);
      client.pause();
      const frame = Buffer.alloc(80_000, 'x');
      let sent = 0;
      while (socket.bufferedBytes < 1_000_000) {
        socket.send({ data: frame, isBinary: true });
        sent += 1;
        if (sent % 50 === 0) await endOfTurn();
        assert.ok(sent < 2_000, 'the operating system takes everything');
      }
      client.resume();
      await frames.atLeast(sent);
      while (socket.bufferedBytes > 0) await endOfTurn();
    });

    test('receivedBytes grows while a long frame is still arriving', async (t) => {
      const { socket, wire, reports } = await scene(t);
      const before = socket.receivedBytes;
      wire.write(Buffer.from([0x82, 0xfe, 0x10, 0x00, 0, 0, 0, 0, ...Buffer.alloc(100)]));
      while (socket.receivedBytes < before + 108) await endOfTurn();
      assert.deepEqual(reports.messages.all, []);
      wire.write(Buffer.alloc(4_096 - 100));
      await reports.messages.first(() => true);
    });

    test('a ping is answered by a sign of life, and so is one of the client', async (t) => {
      const { socket, client, reports } = await scene(t);
      reports.during(() => socket.ping());
      while (reports.alives === 0) await endOfTurn();
      const ponged = once(client, 'pong');
      client.ping();
      await ponged;
      assert.equal(reports.alives, 2);
    });
  });
}
