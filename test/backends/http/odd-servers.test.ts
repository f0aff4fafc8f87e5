import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createHttpTransport } from '../../../src/backends/http/transport.ts';
import { Meter } from '../../../src/core/meter.ts';
import { Timings } from '../../../src/core/timings.ts';
import { sampleCall } from '../../contracts/samples.ts';
import { ask } from '../../contracts/transport.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A server that answers each call by these pieces, each of them a segment. */
async function server(t: TestContext, pieces: readonly string[], pipelining = 1) {
  const listener = createServer((socket: Socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const calls = chunk.toString('latin1').split('\r\n\r\n').length - 1;
      void (async () => {
        for (let call = 0; call < calls; call += 1)
          for (const piece of pieces) {
            socket.write(piece);
            for (let index = 0; index < 3; index += 1) await turn();
          }
      })();
    });
    t.after(() => socket.destroy());
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.after(() => listener.close());
  const origin = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const transport = createHttpTransport({ origin, connections: 1, pipelining, observer: new Meter(), timings: new Timings() });
  t.after(() => transport.close());
  return () => ask(transport, sampleCall({ method: 'GET', timeoutMs: 1_000 }));
}

for (const [what, pieces] of [
  ['in the segment of the answer', [CONTINUE + OK]],
  ['in a segment of its own', [CONTINUE, OK]],
  ['twice', [CONTINUE + CONTINUE, OK]],
  ['with headers', [`HTTP/1.1 100 Continue\r\nX-Odd: 1\r\n\r\n${OK}`]],
  ['cut into bytes', [...CONTINUE.split(''), OK]],
  ['with the answer cut behind it', [`${CONTINUE}HTTP/1.1 20`, '0 OK\r\nContent-Length: 2\r\n\r\no', 'k']],
] as const) {
  test(`a 100 Continue that nobody asked for is passed over, ${what}`, async (t) => {
    const call = await server(t, pieces);
    for (let index = 0; index < 3; index += 1) {
      const result = await call();
      assert.ok(result.type === 'answer', JSON.stringify(result));
      assert.deepEqual([result.status, result.body.toString()], [200, 'ok']);
    }
  });
}

test('an answer that only looks like one at first arrives whole', async (t) => {
  const call = await server(t, ['HTTP/1', '.1 1', '99 Odd\r\n\r\n', OK]);
  const result = await call();
  assert.ok(result.type === 'answer' && result.status === 200, JSON.stringify(result));
});

test('a 100 Continue without an end is a failure, and costs a bounded amount', async (t) => {
  const call = await server(t, [`HTTP/1.1 100 Continue\r\n${'x: y\r\n'.repeat(20_000)}`]);
  const result = await call();
  assert.equal(result.type, 'failure');
});

test('why a backend cannot be reached is named as the system names it', async () => {
  for (const [origin, code] of [
    ['http://127.0.0.1:1', 'ECONNREFUSED'],
    ['http://localhost:1', 'ECONNREFUSED'],
    ['http://nobody.invalid', 'ENOTFOUND'],
  ] as const) {
    const transport = createHttpTransport({ origin, connections: 1, pipelining: 1, observer: new Meter(), timings: new Timings() });
    const result = await ask(transport, sampleCall({ method: 'GET' }));
    await transport.close();
    assert.ok(result.type === 'failure' && (result.detail.includes(code) || result.detail.includes('EAI_AGAIN')), JSON.stringify(result));
  }
});
