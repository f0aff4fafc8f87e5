import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { buildConnector } from 'undici';
import { withTurnWrites } from '../../src/backends/turn-writes.ts';

type Recorded = { socket: Socket; done: string[] };

/** A socket that only writes down what is asked of it, as undici's connector would hand it on. */
function connected(isDestroyed = false): Recorded {
  const done: string[] = [];
  const write = (piece: string | Uint8Array, encoding?: BufferEncoding): boolean => {
    const bytes = typeof piece === 'string' ? Buffer.from(piece, encoding) : Buffer.from(piece);
    return done.push(bytes.toString('latin1')) > 0;
  };
  const socket = { write, cork: () => done.push('(cork)'), uncork: () => done.push('(uncork)'), destroyed: isDestroyed };
  const connector = ((_options, callback) => callback(null, socket as unknown as Socket)) as buildConnector.connector;
  withTurnWrites(connector)({} as buildConnector.Options, () => {});
  return { socket: socket as unknown as Socket, done };
}

function call(socket: Socket, header: string, body: Buffer): void {
  socket.cork();
  socket.write(header, 'latin1');
  socket.write(body);
  socket.uncork();
}

test('what one turn writes leaves in one write at its end, in order', async () => {
  const { socket, done } = connected();
  call(socket, 'PUT 1 caf\xe9 ', Buffer.from('one'));
  call(socket, ' PUT 2 ', Buffer.from([0x00, 0xff]));
  assert.deepEqual(done, []);
  await turn();
  assert.deepEqual(done, ['PUT 1 caf\xe9 one PUT 2 \x00\xff']);
  call(socket, 'PUT 3 ', Buffer.from('three'));
  await turn();
  assert.deepEqual(done.slice(1), ['PUT 3 three']);
});

test('much of it is not copied, and leaves as one vector', async () => {
  const { socket, done } = connected();
  const body = Buffer.alloc(20_000, 'x');
  call(socket, 'PUT caf\xe9 ', body);
  await turn();
  assert.ok(JSON.stringify(done) === JSON.stringify(['(cork)', 'PUT caf\xe9 ', body.toString(), '(uncork)']), `${done.length} pieces`);
});

test('nothing is written to a socket that was destroyed meanwhile', async () => {
  const { socket, done } = connected(true);
  call(socket, 'PUT ', Buffer.from('late'));
  await turn();
  assert.deepEqual(done, []);
});

test('an error of the connector is passed on', () => {
  const error = new Error('refused');
  const connector = ((_options, callback) => callback(error, null)) as buildConnector.connector;
  const heard: unknown[] = [];
  withTurnWrites(connector)({} as buildConnector.Options, (...args) => heard.push(args[0]));
  assert.deepEqual(heard, [error]);
});
