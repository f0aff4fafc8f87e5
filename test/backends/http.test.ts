import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHttpBackend } from '../../src/backends/http.ts';
import { Meter } from '../../src/core/meter.ts';
import { ask, backendContract, isAnswer, isFailure } from '../contracts/backend.ts';
import { deadOrigin, OK_ANSWER, startPeer } from '../contracts/http-peer.ts';
import { sampleCall } from '../contracts/samples.ts';

const create = (origin: string, connections: number, meter = new Meter()) =>
  createHttpBackend({ origin, connections, pipelining: 1, meter });

backendContract('http', create);

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
  const backend = createHttpBackend({ origin: peer.origin, connections: 1, pipelining: 4, meter: new Meter() });
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
