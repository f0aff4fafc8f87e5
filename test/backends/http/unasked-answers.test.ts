import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createHttpTransport } from '../../../src/backends/http/transport.ts';
import { Meter } from '../../../src/core/meter.ts';
import { Timings } from '../../../src/core/timings.ts';
import type { BackendResult } from '../../../src/wire/calls.ts';
import { ask } from '../../contracts/transport.ts';
import { sampleCall } from '../../contracts/samples.ts';

const answer = (body: string, more = '') => `HTTP/1.1 200 OK\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;

/** A backend that answers each call as the test says; a call is complete with its head. */
async function backend(t: TestContext, reply: (path: string, socket: Socket) => void, connections = 1) {
  const server = createServer((socket) => {
    let pending = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1');
      for (let end = pending.indexOf('\r\n\r\n'); end >= 0; end = pending.indexOf('\r\n\r\n')) {
        const path = pending.split(' ')[1] ?? '';
        pending = pending.slice(end + 4);
        reply(path, socket);
      }
    });
    t.after(() => socket.destroy());
  });
  let sockets = 0;
  server.on('connection', () => (sockets += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const transport = createHttpTransport({ origin, connections, pipelining: 1, observer: new Meter(), timings: new Timings() });
  t.after(() => transport.close());
  t.after(() => server.close());
  const get = (path: string, id?: string) =>
    ask(transport, sampleCall({ method: 'GET', path, headers: id === undefined ? [] : ['ws-event-id', id] }));
  return { get, transport, sockets: () => sockets };
}

const bodyOf = (result: Awaited<ReturnType<typeof ask>>) => (result.type === 'answer' ? result.body.toString() : result.detail);

for (const [what, behind] of [
  ['a whole answer', answer('stolen')],
  ['many answers', answer('stolen').repeat(20)],
  ['half an answer', answer('stolen').slice(0, 20)],
  ['garbage', 'garbage\r\n\r\n'],
  ['an informational answer', 'HTTP/1.1 100 Continue\r\n\r\n'],
] as const) {
  test(`${what} behind an answer is no other call's, however many wait`, async (t) => {
    for (const connections of [1, 3]) {
      const { get } = await backend(t, (path, socket) => void socket.write(answer(path) + behind), connections);
      const results = await Promise.all(Array.from({ length: 60 }, (_none, index) => get(`/${index}`)));
      const wrong = results.filter((result, index) => result.type === 'answer' && bodyOf(result) !== `/${index}`);
      assert.deepEqual(wrong.map(bodyOf), []);
      assert.ok(results.filter(({ type }) => type === 'answer').length >= 1);
    }
  });
}

test('an answer that nobody asked for, behind an answer, is not that of a call which is made from within the first', async (t) => {
  for (const more of [
    { method: 'POST', isIdempotent: false },
    { method: 'PUT', isIdempotent: true },
  ] as const) {
    const { transport } = await backend(t, (path, socket) => void socket.write(answer(path) + answer('stolen').repeat(3)));
    const call = (path: string) => sampleCall({ path, ...more });
    for (let count = 0; count < 20; count += 1) {
      const second = Promise.withResolvers<BackendResult>();
      const first = await new Promise<BackendResult>((resolve) => {
        const settled = (result: BackendResult): void => {
          transport.call(call('/second'), { settled: second.resolve }, Infinity);
          resolve(result);
        };
        transport.call(call('/first'), { settled }, Infinity);
      });
      for (const [result, wanted] of [
        [first, '/first'],
        [await second.promise, '/second'],
      ] as const)
        if (result.type === 'answer') assert.equal(bodyOf(result), wanted, more.method);
    }
  }
});

test('bytes that come on an idle socket end that socket, and the next call has another', async (t) => {
  const idle: Socket[] = [];
  const { get, sockets } = await backend(t, (path, socket) => {
    idle.push(socket);
    socket.write(answer(path));
  });
  assert.equal(bodyOf(await get('/one')), '/one');
  const ended = once(idle[0] as Socket, 'close');
  idle[0]?.write(answer('stolen'));
  await ended;
  assert.equal(bodyOf(await get('/two')), '/two');
  assert.equal(sockets(), 2);
});

test('an answer that echoes the WS-Event-Id of another event is a failure; the same one, or none, is not', async (t) => {
  const { get } = await backend(
    t,
    (path, socket) => void socket.write(answer(path, path === '/none' ? '' : `WS-Event-Id: ${path.slice(1)}\r\n`)),
  );
  assert.equal((await get('/a.1', 'a.1')).type, 'answer');
  assert.equal((await get('/none', 'a.2')).type, 'answer');
  const other = await get('/a.1', 'a.3');
  assert.ok(other.type === 'failure' && other.wasSent && /WS-Event-Id/.test(other.detail));
  assert.equal((await get('/a.4', 'a.4')).type, 'answer', 'and the next call is not harmed');
});
