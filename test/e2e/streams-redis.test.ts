import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApp } from '../support/app.ts';
import { connect } from '../support/client.ts';
import { missing, startEngine } from '../support/engine-server.ts';
import { consume } from '../support/redis-streams.ts';
import { routesFile } from '../support/routes-file.ts';

const skip = missing('redis');

test('wsgateway’s consumer loop reads what a client does, unchanged', { skip }, async (t) => {
  const engine = await startEngine(t, 'redis');
  const routes = await routesFile(
    t,
    `routes:\n  - { path: "/rooms/:room", dialect: stream, backend: "${engine.url}/0?stream=connectionevents", tags: { room: ":room", version: "2" }, streamIncludeTags: [room] }\n`,
  );
  const gateway = await startApp(t, { ROUTES_FILE: routes.path });
  const { entries } = consume(t, engine);
  const client = await connect(t, `${gateway.wsUrl}/rooms/blue%26green`);
  client.ws.send('hello');
  client.ws.send(Buffer.from([0, 255, 13, 10, 36, 42]));
  client.ws.send('');
  await entries.atLeast(4);
  client.ws.close(4001, 'bye');
  await entries.atLeast(5);
  const [open, ...others] = entries.all;
  const id = open?.text['connection'] ?? '';
  const common = { connection: id, tags: 'room=blue%26green', route: '/rooms/:room' };
  assert.deepEqual(open?.text, {
    ...common,
    action: 'open',
    event_id: `${id}.0`,
    path: '/rooms/blue%26green',
    remote_address: '127.0.0.1',
  });
  assert.deepEqual(
    others.map(({ text }) => text),
    [
      { ...common, action: 'message', type: 'text', message: 'hello', event_id: `${id}.1` },
      { ...common, action: 'message', type: 'binary', message: '\0\ufffd\r\n$*', event_id: `${id}.2` },
      { ...common, action: 'message', type: 'text', message: '', event_id: `${id}.3` },
      { ...common, action: 'close', event_id: `${id}.close`, close_code: '4001', close_reason: 'bye' },
    ],
  );
  assert.deepEqual(others[1]?.bytes['message'], Buffer.from([0, 255, 13, 10, 36, 42]));
  assert.deepEqual(others[0]?.names.slice(0, 5), ['connection', 'action', 'type', 'tags', 'message'], 'in wsgateway’s order');
});
