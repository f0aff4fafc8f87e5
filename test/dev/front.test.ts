import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { developmentCertificate } from '../../src/dev/certificate.ts';
import { openFront } from '../../src/dev/front.ts';

test('one port speaks plain and encrypted, byte by byte too; who says nothing, or breaks off its handshake, is dropped', async (t) => {
  const { cert, key } = await developmentCertificate();
  const front = await openFront({ cert, key }, { host: '127.0.0.1', port: 0, firstByteMs: 300 });
  const server = createServer((request, response) => response.end(`${'encrypted' in request.socket} ${request.socket.remoteAddress}`));
  front.serve(server);
  t.after(async () => {
    server.closeAllConnections();
    await front.close();
  });
  const { port } = front;
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'false 127.0.0.1');

  const encrypted = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ca: cert });
  await once(encrypted, 'secureConnect');
  assert.equal(encrypted.authorized, true);
  for (const byte of 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n') encrypted.write(byte);
  assert.match((await encrypted.toArray()).join(''), /true 127\.0\.0\.1$/);

  const silent = connect(port, '127.0.0.1');
  const broken = connect(port, '127.0.0.1');
  for (const socket of [silent, broken]) socket.on('error', () => {});
  await once(broken, 'connect');
  broken.write(Buffer.from([0x16, 3, 1]));
  await Promise.all([once(silent, 'close'), once(broken, 'close')]);

  const garbage = connect(port, '127.0.0.1');
  garbage.on('error', () => {});
  garbage.write(Buffer.from([0x16, 0xff, 0xff, 0xff, 0xff, 0xff]));
  await once(garbage, 'close');
  assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200, 'others notice nothing');
});
