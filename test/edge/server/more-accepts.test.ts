import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { CAN_SHARE_PORTS, MoreAccepts } from '../../../src/edge/server/more-accepts.ts';
import { startApp } from '../../support/app.ts';
import { startBackend } from '../../support/backend.ts';
import { tryConnect } from '../../support/client.ts';

const LISTENING = '0A';

/** Sockets of this machine that listen on an IPv4 port. */
function listeningOn(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(`:${hex}`) && state === LISTENING).length;
}

test('several sockets take the clients of one port, and none is left at the end', { skip: !CAN_SHARE_PORTS }, async (t) => {
  const backend = await startBackend(t);
  const gateway = await startApp(t, { API_URI: backend.url });
  const port = Number(new URL(gateway.publicUrl).port);
  assert.equal(listeningOn(port), 4);
  await Promise.all(Array.from({ length: 40 }, () => tryConnect(t, gateway.wsUrl)));
  await gateway.drain();
  assert.equal(listeningOn(port), 0);
});

test('what any of them accepts is answered, and closing waits for it', { skip: !CAN_SHARE_PORTS }, async (t) => {
  const held: (() => void)[] = [];
  const http = createServer((_request, response) => void held.push(() => response.end('fine')));
  http.listen({ host: '127.0.0.1', port: 0, reusePort: true });
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  const more = new MoreAccepts();
  await more.open(http, 128);
  const asking = Array.from({ length: 40 }, async () => {
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    let answer = '';
    socket.on('data', (chunk) => (answer += String(chunk)));
    await once(socket, 'end');
    socket.end();
    return answer;
  });
  while (held.length < asking.length) await once(http, 'request');
  const closed = Promise.all([more.close(), new Promise((resolve) => http.close(resolve))]);
  let isClosed = false;
  void closed.then(() => (isClosed = true));
  await assert.rejects(once(connect(port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
  assert.equal(isClosed, false);
  for (const answer of held) answer();
  assert.ok((await Promise.all(asking)).every((answer) => answer.endsWith('fine')));
  await closed;
  await more.close();
});
