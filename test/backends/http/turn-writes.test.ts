import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { buildConnector } from 'undici';
import { TurnWrites } from '../../../src/backends/http/lines.ts';

type Recorded = { readonly socket: Socket; readonly done: string[] };

/** A socket that only writes down what is asked of it, as undici's connector would hand it on. */
function connected(writes: TurnWrites, isDestroyed = false): Recorded {
  const done: string[] = [];
  const write = (piece: string | Uint8Array, encoding?: BufferEncoding): boolean => {
    const bytes = typeof piece === 'string' ? Buffer.from(piece, encoding) : Buffer.from(piece);
    return done.push(bytes.toString('latin1')) > 0;
  };
  const socket = { write, read: () => null, cork: () => done.push('(cork)'), uncork: () => done.push('(uncork)'), destroyed: isDestroyed };
  const connector = ((_options, callback) => callback(null, socket as unknown as Socket)) as buildConnector.connector;
  writes.on(connector)({} as buildConnector.Options, () => {});
  return { socket: socket as unknown as Socket, done };
}

function call(socket: Socket, header: string, body: Buffer): void {
  socket.cork();
  socket.write(header, 'latin1');
  socket.write(body);
  socket.uncork();
}

/** What undici does with a call on an idle socket: it looks in a `setImmediate` whether the socket is good, and writes. */
function handOver(writes: TurnWrites, write: () => void): void {
  setImmediate(write);
  writes.handedOver();
}

test('calls of one turn are written right after one another, behind the last look at a socket and before any other event', async () => {
  const writes = new TurnWrites(false);
  const [one, two] = [connected(writes), connected(writes)];
  let doneAtSecondLook = -1;
  handOver(writes, () => call(one.socket, 'PUT 1 caf\xe9 ', Buffer.from([0x00, 0xff])));
  handOver(writes, () => {
    doneAtSecondLook = one.done.length;
    call(two.socket, 'PUT 2 ', Buffer.from('two'));
  });
  const written = Promise.withResolvers<string[]>();
  setImmediate(() => written.resolve([...one.done, ...two.done])); // in the same round: no event has been handled since
  assert.deepEqual(await written.promise, ['PUT 1 caf\xe9 \x00\xff', 'PUT 2 two']);
  assert.equal(doneAtSecondLook, 0, 'the first call waited for the second');
});

test('a call that nothing is to follow is written at once', async () => {
  const { socket, done } = connected(new TurnWrites(false));
  call(socket, 'PUT 1 ', Buffer.from('one'));
  assert.deepEqual(done, ['PUT 1 one']);
  socket.write('PUT 2', 'latin1'); // without a body undici does not cork
  assert.deepEqual(done, ['PUT 1 one', 'PUT 2']);
});

test('with pipelining all calls of one turn on a socket leave in one write', async () => {
  const { socket, done } = connected(new TurnWrites(true));
  call(socket, 'PUT 1 ', Buffer.from('one'));
  call(socket, ' PUT 2 ', Buffer.from('two'));
  assert.deepEqual(done, []);
  await turn();
  assert.deepEqual(done, ['PUT 1 one PUT 2 two']);
  call(socket, 'PUT 3 ', Buffer.from('three'));
  await turn();
  assert.deepEqual(done.slice(1), ['PUT 3 three']);
});

test('much of it is not copied, and leaves as one vector', () => {
  const { socket, done } = connected(new TurnWrites(false));
  const body = Buffer.alloc(20_000, 'x');
  call(socket, 'PUT caf\xe9 ', body);
  assert.ok(JSON.stringify(done) === JSON.stringify(['(cork)', 'PUT caf\xe9 ', body.toString(), '(uncork)']), `${done.length} pieces`);
});

test('nothing is written to a socket that was destroyed meanwhile', () => {
  const { socket, done } = connected(new TurnWrites(false), true);
  call(socket, 'PUT ', Buffer.from('late'));
  assert.deepEqual(done, []);
});

test('an error of the connector is passed on', () => {
  const error = new Error('refused');
  const connector = ((_options, callback) => callback(error, null)) as buildConnector.connector;
  const heard: unknown[] = [];
  new TurnWrites(false).on(connector)({} as buildConnector.Options, (...args: unknown[]) => heard.push(args[0]));
  assert.deepEqual(heard, [error]);
});
