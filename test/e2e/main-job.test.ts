import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { connect } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';

test('a client connects, talks, is talked to, and leaves: five exchanges', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startGateway(t, { API_URI: backend.url });
  const client = await connect(t, `${gateway.wsUrl}/chat?room=1`, { headers: { authorization: 'Bearer token' } });

  const open = await backend.calls.first((call) => call.method === 'POST');
  assert.equal(open.headers.authorization, 'Bearer token');
  const { code, ws_uri: wsUri, path, query } = JSON.parse(open.text) as Record<string, string>;
  assert.deepEqual({ code, path, query }, { code: 'NEW_CONNECTION', path: '/chat', query: { room: '1' } });

  client.ws.send('hello');
  const message = await backend.calls.first((call) => call.method === 'PUT');
  assert.equal(message.text, 'hello');
  assert.equal(message.headers['ws-seq'], '1');

  const pushed = await fetch(`http://${wsUri}`, { method: 'PUT', body: 'welcome' });
  assert.deepEqual([pushed.status, await pushed.json()], [200, { code: 'OK' }]);
  assert.equal((await client.frames.first(() => true)).text, 'welcome');

  const closed = await fetch(`http://${wsUri}?code=4001&reason=bye`, { method: 'DELETE' });
  assert.equal(closed.status, 200);
  assert.deepEqual(await client.ended, { code: 4001, reason: 'bye' });

  const close = await backend.calls.first((call) => call.method === 'DELETE');
  assert.equal(close.headers['ws-close-code'], '4001');
  assert.equal((JSON.parse(close.text) as Record<string, unknown>)['close_code'], 4001);
});
