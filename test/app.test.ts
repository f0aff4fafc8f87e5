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
