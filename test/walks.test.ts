import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { test, type TestContext } from 'node:test';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { createApp } from '../src/app.ts';
import { loadConfig } from '../src/config/load.ts';
import { startBackend } from './support/backend.ts';

const SRC = new URL('../src/', import.meta.url).href;
const page = readFileSync(new URL('../docs/architecture.md', import.meta.url), 'utf8');

/** Parts that a file of a walk keeps its own state in, what only hears of an event, counts it or tells of it, and what runs by the clock or after each read: they decide nothing about an event. */
const PARTS = new Set(
  (
    'core/observer edge/console/recorder edge/console/ring edge/console/sighting edge/console/shorten ' +
    'core/party core/admission core/fifo core/end-of-turn core/lane core/tag-index core/meter core/system-clock core/stoppable-clock core/heartbeat ' +
    'core/timings core/life core/close-codes app/base ' +
    'wire/trace wire/ws-uris wire/verdicts wire/http-messages core/deadlines backends/http/backlog edge/sockets/unfinished edge/sockets/patient-web-socket'
  ).split(' '),
);

/** The files in the order of a walk in docs/architecture.md, up to the verdict's way back; a name without a room is in that of the one before. */
function walkOf(name: string): string[] {
  const walk = new RegExp(`^\\*\\*${name}\\*\\* – ([^;]*)`, 'm').exec(page)?.[1] ?? '';
  const files: string[] = [];
  for (const [, path = ''] of walk.matchAll(/`([a-z/-]+)`/g)) {
    const room = files.at(-1)?.split('/').slice(0, -1).join('/');
    files.push(path === 'codec' ? 'dialects/wsaas/codec' : path.includes('/') ? path : `${room}/${path}`);
  }
  return files;
}

/** A gateway with one client whose first message has been delivered. */
async function scene(t: TestContext) {
  const backend = await startBackend(t);
  const { config } = loadConfig({ API_URI: backend.url, HOST: '127.0.0.1', PORT: '0', DRAIN_MS: '0' });
  const app = await createApp(config, pino({ level: 'silent' }), { node: 'walk', link: null });
  const { publicUrl } = await app.listen();
  const client = new WebSocket(publicUrl.replace('http', 'ws'));
  t.after(async () => {
    client.terminate();
    await app.close();
  });
  await once(client, 'open');
  client.send('first');
  await backend.calls.first((call) => call.text === 'first');
  return { backend, client };
}

/** The files of `src` of which a function ran. */
async function filesOf(work: () => Promise<unknown>): Promise<string[]> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  await session.post('Profiler.takePreciseCoverage');
  await work();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  session.disconnect();
  return result
    .filter(({ url, functions }) => url.startsWith(SRC) && functions.some(({ ranges }) => (ranges[0]?.count ?? 0) > 0))
    .map(({ url }) => url.slice(SRC.length, -'.ts'.length))
    .toSorted();
}

const WALKS = [
  { name: 'message', most: 9, go: (client: WebSocket) => client.send('second'), method: 'PUT', passedBy: [] },
  // a close frame is none that is read there, and goes on to `ws`
  { name: 'close', most: 12, go: (client: WebSocket) => client.close(1000), method: 'DELETE', passedBy: ['edge/sockets/plain-frames'] },
];

for (const { name, most, go, method, passedBy } of WALKS) {
  test(`the walk of ${name} in docs/architecture.md names every file that is entered, at most ${most}`, async (t) => {
    const { backend, client } = await scene(t);
    const entered = await filesOf(async () => {
      go(client);
      await backend.calls.first((call) => call.method === method && call.text !== 'first');
    });
    const walk = walkOf(name);
    assert.ok(walk.length <= most, `${walk.length} files: ${walk.join(', ')}`);
    assert.deepEqual(
      entered.filter((file) => !PARTS.has(file) && !passedBy.includes(file)),
      walk.toSorted(),
    );
  });
}
