import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { takeBody } from '../../../src/edge/server/whole-body.ts';
import { Arrivals } from '../../support/arrivals.ts';

type Scene = {
  readonly client: Socket;
  readonly bodies: Arrivals<Buffer>;
  readonly begun: Arrivals<number>;
  /** Was the answer written whole? */
  readonly ended: Arrivals<boolean>;
  readonly answers: () => string;
};

/** A server that takes bodies and answers with their lengths, and a client that writes what it likes. */
async function scene(t: TestContext): Promise<Scene> {
  const bodies = new Arrivals<Buffer>();
  const begun = new Arrivals<number>();
  const ended = new Arrivals<boolean>();
  const server = createServer((request, response) => {
    const bytes = Number(request.headers['content-length']);
    begun.add(bytes);
    response.once('close', () => ended.add(response.writableFinished));
    takeBody(request, bytes, (data) => {
      bodies.add(data);
      response.end(`<${data.length}>`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true });
  let text = '';
  client.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  client.on('error', () => {});
  t.after(() => {
    client.destroy();
    server.close();
    server.closeAllConnections();
  });
  return { client, bodies, begun, ended, answers: () => text };
}

const head = (bytes: number): string => `PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`;

test('a body comes whole, in one piece or in many, and as a copy of its own', async (t) => {
  const { client, bodies, begun } = await scene(t);
  client.write(`${head(5)}whole`);
  assert.equal((await bodies.atLeast(1))[0]?.toString(), 'whole');
  const long = Buffer.from(Array.from({ length: 300_000 }, (_none, at) => at % 251));
  client.write(head(long.length));
  await begun.atLeast(2);
  client.write(long.subarray(0, 1));
  client.write(long.subarray(1));
  const [first, second] = await bodies.atLeast(2);
  assert.equal(first?.buffer.byteLength, first?.length, 'it keeps no larger memory alive');
  assert.ok(second?.equals(long));
  assert.equal(first?.toString(), 'whole', 'what comes later does not overwrite it');
});

test('requests of one packet are answered in their order, each with its own body', async (t) => {
  const { client, bodies, answers } = await scene(t);
  client.write([1, 22, 333].map((bytes) => head(bytes) + 'x'.repeat(bytes)).join(''));
  await bodies.atLeast(3);
  client.end();
  await once(client, 'close');
  assert.deepEqual(answers().match(/<\d+>/g), ['<1>', '<22>', '<333>']);
});

test('a body that breaks off is none, and its request is given up', async (t) => {
  const { client, bodies, begun, ended } = await scene(t);
  client.write(`${head(10)}half`);
  await begun.atLeast(1);
  client.destroy();
  assert.deepEqual(await ended.atLeast(1), [false]);
  assert.deepEqual(bodies.all, []);
});
