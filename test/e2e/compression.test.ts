import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { connect } from '../support/client.ts';
import { startApp } from '../support/app.ts';

const TEXT = 'the same words again and again, '.repeat(200);

test('with COMPRESSION=on permessage-deflate is agreed on, and messages are whole both ways', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startApp(t, { API_URI: backend.url, COMPRESSION: 'on' });
  const client = await connect(t, gateway.wsUrl, { perMessageDeflate: true });
  assert.match(String(client.headers['sec-websocket-extensions']), /^permessage-deflate/);
  client.ws.send(TEXT);
  client.ws.send(Buffer.from([1, 2, 3]));
  const [text, binary] = await backend.calls.atLeast(2, ({ method }) => method === 'PUT');
  assert.equal(text?.text, TEXT);
  assert.deepEqual([...(binary?.body ?? [])], [1, 2, 3]);

  const id = String(text?.headers['ws-connection']);
  assert.equal((await fetch(`${gateway.controlUrl}/${id}`, { method: 'PUT', body: TEXT })).status, 200);
  assert.equal(await (await fetch(`${gateway.controlUrl}/send?all=true`, { method: 'POST', body: `all: ${TEXT}` })).text(), '1');
  const frames = await client.frames.atLeast(2);
  assert.deepEqual(
    frames.map((frame) => frame.text),
    [TEXT, `all: ${TEXT}`],
  );
});

test('a compressed message that inflates over MAX_MESSAGE_BYTES is closed with 1009, others are served', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startApp(t, { API_URI: backend.url, COMPRESSION: 'on', MAX_MESSAGE_BYTES: '10000' });
  const other = await connect(t, gateway.wsUrl, { perMessageDeflate: true });
  const bomber = await connect(t, gateway.wsUrl, { perMessageDeflate: { threshold: 0 } });
  bomber.ws.send('a'.repeat(50_000_000));
  assert.equal((await bomber.ended).code, 1009);
  const close = await backend.calls.first(({ method }) => method === 'DELETE');
  assert.equal(close.headers['ws-close-code'], '1009');
  other.ws.send('still here');
  await backend.calls.first(({ text }) => text === 'still here');
});

test('without it, a client that offers compression is served without', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startApp(t, { API_URI: backend.url });
  const client = await connect(t, gateway.wsUrl, { perMessageDeflate: true });
  assert.equal(client.headers['sec-websocket-extensions'], undefined);
  client.ws.send(TEXT);
  assert.equal((await backend.calls.first(({ method }) => method === 'PUT')).text, TEXT);
});
