import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { forgivePauses } from '../../../src/edge/server/own-pauses.ts';
import { exchange } from '../../support/raw-socket.ts';
import type { AddressInfo } from 'node:net';

function scene() {
  const clock = { at: 1_000, leftOutMs: 0, now: () => clock.at };
  const server = createServer({ headersTimeout: 2_000, requestTimeout: 3_000 });
  forgivePauses(server, clock);
  return { clock, server };
}

test('a request may take longer by the pauses of its time, and not by those before', () => {
  const { clock, server } = scene();
  assert.deepEqual([server.headersTimeout, server.requestTimeout], [2_000, 3_000]);
  clock.leftOutMs += 5_000;
  assert.deepEqual([server.headersTimeout, server.requestTimeout], [7_000, 8_000]);
  clock.at += 1_000;
  clock.leftOutMs += 700;
  assert.deepEqual([server.headersTimeout, server.requestTimeout], [7_700, 8_700]);
  clock.at += 1_500;
  assert.deepEqual([server.headersTimeout, server.requestTimeout], [2_700, 8_700]);
  clock.at += 2_000;
  assert.deepEqual([server.headersTimeout, server.requestTimeout], [2_000, 3_000]);
});

test('Node reads its time-outs whenever it looks for requests that take too long', async (t) => {
  const server = createServer({ headersTimeout: 50, requestTimeout: 50, connectionsCheckingInterval: 20 });
  let reads = 0;
  Object.defineProperty(server, 'headersTimeout', { get: () => ((reads += 1), reads < 10 ? 1_000_000 : 50) });
  Object.defineProperty(server, 'requestTimeout', { get: () => 1_000_000 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  assert.equal((await exchange(t, url, 'GET / HTTP/1.1\r\n')).status, 408);
  assert.ok(reads >= 10, `read ${reads} times`);
});
