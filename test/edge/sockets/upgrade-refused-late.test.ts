import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { isEvent } from '../../support/guests.ts';
import { startBackend } from '../../support/backend.ts';
import { startApp } from '../../support/app.ts';

/** Sends an upgrade request with these lines more, and returns the status line of the answer. */
async function upgrade(t: TestContext, url: string, lines: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  t.after(() => socket.destroy());
  const head = ['GET /chat HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
  socket.write(Buffer.from([...head, 'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==', ...lines, '', ''].join('\r\n'), 'latin1'));
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString('latin1').split('\r\n')[0] ?? '';
}

/** What passes our own check and is refused by `ws` itself, after the backend has accepted the client. */
const REQUESTS: readonly (readonly [string, Record<string, string>, readonly string[]])[] = [
  ['a subprotocol list with a no-break space', {}, ['Sec-WebSocket-Protocol: a,\xa0b']],
  ['a broken extension offer', { COMPRESSION: 'on' }, ['Sec-WebSocket-Extensions: permessage-deflate; =']],
  ['an extension offer with an unknown parameter', { COMPRESSION: 'on' }, ['Sec-WebSocket-Extensions: permessage-deflate; x=1']],
];

for (const [what, env, lines] of REQUESTS) {
  test(`${what} is either let in, refused before the backend is asked, or told as closed`, async (t) => {
    const backend = await startBackend(t);
    const gateway = await startApp(t, { API_URI: backend.url, ...env });
    const status = await upgrade(t, gateway.publicUrl, lines);
    if (status.includes(' 101 ')) return;
    const opens = backend.calls.all.filter(isEvent('open'));
    if (opens.length === 0) return;
    const close = await backend.calls.first(isEvent('close'), 2_000);
    assert.equal(close.headers['ws-connection'], opens[0]?.headers['ws-connection'], 'G3: one close for every accepted open');
  });
}
