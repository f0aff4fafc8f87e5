import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHttpTransport } from '../../../src/backends/http/transport.ts';
import { Meter } from '../../../src/core/meter.ts';
import { Timings } from '../../../src/core/timings.ts';
import { ask, transportContract, isAnswer, isFailure } from '../../contracts/transport.ts';
import { deadOrigin, OK_ANSWER, startPeer } from '../../contracts/http-peer.ts';
import { sampleCall } from '../../contracts/samples.ts';

const create = (origin: string, connections: number, meter = new Meter()) =>
  createHttpTransport({ origin, connections, pipelining: 1, observer: meter, timings: meter.calls });

transportContract('http', create);

test('failures are counted, answers are not', async (t) => {
  const meter = new Meter();
  const peer = await startPeer(t, ({ socket }) => void socket.write(OK_ANSWER));
  const alive = create(peer.origin, 1, meter);
  const dead = create(await deadOrigin(), 1, meter);
  t.after(() => Promise.all([alive.close(), dead.close()]));
  isAnswer(await ask(alive));
  assert.equal(meter.backendFailures, 0);
  isFailure(await ask(dead));
  assert.equal(meter.backendFailures, 1);
});

test('with pipelining, idempotent calls share a socket before their answers come, others never do', async (t) => {
  const held: (() => void)[] = [];
  const peer = await startPeer(t, ({ socket }) => void held.push(() => socket.write(OK_ANSWER)));
  const backend = createHttpTransport({
    origin: peer.origin,
    connections: 1,
    pipelining: 4,
    observer: new Meter(),
    timings: new Timings(),
  });
  t.after(() => backend.close());
  const pipelined = [0, 1, 2].map(() => ask(backend, sampleCall({ isIdempotent: true })));
  await peer.requests.atLeast(3);
  const alone = ask(backend, sampleCall({ method: 'POST', isIdempotent: false }));
  for (const answer of held.splice(0)) answer();
  for (const result of await Promise.all(pipelined)) isAnswer(result);
  await peer.requests.first(({ method }) => method === 'POST');
  const after = ask(backend, sampleCall({ isIdempotent: true }));
  await new Promise(setImmediate);
  assert.equal(peer.requests.all.length, 4, 'nothing follows a call that may not be sent twice');
  for (const answer of held.splice(0)) answer();
  isAnswer(await alone);
  await peer.requests.atLeast(5);
  for (const answer of held.splice(0)) answer();
  isAnswer(await after);
  assert.equal(peer.sockets.length, 1);
});

test('the socket that was free last is used again, so that calls one by one need only one', async (t) => {
  const peer = await startPeer(t, ({ socket }) => void socket.write(OK_ANSWER));
  const backend = create(peer.origin, 8);
  t.after(() => backend.close());
  await Promise.all([ask(backend), ask(backend), ask(backend)]);
  assert.equal(peer.sockets.length, 3);
  const before = peer.requests.all.length;
  for (let count = 0; count < 10; count += 1) isAnswer(await ask(backend));
  assert.equal(new Set(peer.requests.all.slice(before).map(({ socket }) => socket)).size, 1);
  assert.equal(peer.sockets.length, 3);
});

test('however many calls come at once, there are no more sockets than connections, and each call is answered', async (t) => {
  const peer = await startPeer(t, ({ socket }) => void setImmediate(() => socket.write(OK_ANSWER)));
  const backend = create(peer.origin, 3);
  t.after(() => backend.close());
  for (const result of await Promise.all(Array.from({ length: 50 }, () => ask(backend)))) isAnswer(result);
  assert.equal(peer.sockets.length, 3);
});

test('a call whose time ended while it waited costs no socket', async (t) => {
  const held: (() => void)[] = [];
  const peer = await startPeer(t, ({ socket }) => void held.push(() => socket.write(OK_ANSWER)));
  const backend = create(peer.origin, 1);
  t.after(() => backend.close());
  const running = ask(backend);
  const waiting = ask(backend, sampleCall({ timeoutMs: 20 }));
  await peer.requests.atLeast(1);
  assert.equal(isFailure(await waiting).wasSent, false);
  held.pop()?.();
  isAnswer(await running);
  const next = ask(backend);
  await peer.requests.atLeast(2);
  held.pop()?.();
  isAnswer(await next);
  assert.equal(peer.sockets.length, 1);
});

test('after a loss the sockets that are still good are used first', async (t) => {
  const peer = await startPeer(t, ({ socket, path }) => void (path === '/reset' ? socket.resetAndDestroy() : socket.write(OK_ANSWER)));
  const backend = create(peer.origin, 4);
  t.after(() => backend.close());
  await Promise.all([ask(backend), ask(backend)]);
  assert.equal(isFailure(await ask(backend, sampleCall({ path: '/reset' }))).reason, 'reset');
  isAnswer(await ask(backend));
  assert.equal(peer.sockets.length, 2, 'nothing had to connect again');
});

test('calls that all fail to connect give their places back to those that wait', async (t) => {
  const backend = create(await deadOrigin(), 2);
  t.after(() => backend.close());
  for (const result of await Promise.all(Array.from({ length: 20 }, () => ask(backend)))) {
    const { reason, wasSent } = isFailure(result);
    assert.deepEqual([reason, wasSent], ['unreachable', false]);
  }
});
