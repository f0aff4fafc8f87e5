import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { pino } from 'pino';
import { createApp } from '../src/app.ts';
import { loadConfig } from '../src/config/load.ts';
import { startBackend } from './support/backend.ts';
import { openRaw, upgradeRequest } from './support/raw-socket.ts';

test('an upgrade that comes while the servers close does not keep them open', async (t) => {
  const backend = await startBackend(t);
  const { config } = loadConfig({ API_URI: backend.url, HOST: '127.0.0.1', PORT: '0' });
  const app = await createApp(config, pino({ level: 'silent' }), { node: 'app', link: null });
  const { publicUrl } = await app.listen();
  const accepted = once(app.publicServer.server, 'connection') as Promise<[Socket]>;
  const { socket } = await openRaw(t, publicUrl);
  const [ours] = await accepted;
  const request = upgradeRequest();
  socket.write(request.slice(0, 20)); // not idle: closing lets it end its request
  while (ours.bytesRead < 20) await setImmediate();
  const closed = app.close();
  socket.write(request.slice(20));
  await closed;
});

test('/readyz is 503 and says what is missing until what is required is there; what is not required degrades it', async (t) => {
  const { config } = loadConfig({ API_URI: 'http://127.0.0.1:9', HOST: '127.0.0.1', PORT: '0' });
  let missing: string | null = 'not all of them listen yet';
  const checks = [
    { name: 'workers', problem: () => missing, isRequired: true },
    { name: 'log', problem: () => 'nobody reads it', isRequired: false },
  ];
  const app = await createApp(config, pino({ level: 'silent' }), { node: 'app', link: null, checks });
  t.after(() => app.close());
  const prepared = Promise.withResolvers<void>();
  const begin = Promise.withResolvers<void>();
  const listening = app.listen(() => {
    prepared.resolve();
    return begin.promise;
  });
  await prepared.promise;
  await setImmediate();
  assert.equal(app.publicServer.server.listening, false, 'it waits to begin');
  begin.resolve();
  const { controlUrl } = await listening;
  const ready = async (): Promise<unknown> => {
    const answer = await fetch(`${controlUrl}/readyz`);
    return [answer.status, await answer.json()];
  };
  const degraded = ['log'];
  assert.deepEqual(await ready(), [503, { status: 'unready', missing: ['workers'], degraded }]);
  missing = null;
  assert.deepEqual(await ready(), [200, { status: 'ready', missing: [], degraded }]);
});
