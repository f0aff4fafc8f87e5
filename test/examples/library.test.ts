import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Extensions } from '../../src/library/extensions.ts';
import { systemClock } from '../../src/core/system-clock.ts';
import { SILENT_LOG } from '../contracts/samples.ts';
import { connect, refusal } from '../support/client.ts';
import { host } from '../support/hosted.ts';
import { startProgram } from '../support/program.ts';

const fileOf = (name: string): string => fileURLToPath(new URL(`../../examples/library/${name}`, import.meta.url));
const start = (t: Parameters<typeof startProgram>[0], name: string) =>
  startProgram(t, { command: process.execPath, argv: [fileOf(name)], url: /listens on (http:\S+)/ });

for (const name of ['echo.ts', 'chat.ts', 'development.ts'])
  test(`examples/library/${name} has fewer than 40 lines, and says how it is run`, () => {
    const lines = readFileSync(fileOf(name), 'utf8').trimEnd().split('\n');
    assert.ok(lines.length < 40, `${lines.length} lines`);
    assert.match(lines.slice(0, 3).join('\n'), new RegExp(`examples/library/${name}`));
  });

test('facil.io’s echo: text and bytes come back, and the last word when it is ended', async (t) => {
  const { url, lines, process: child } = await start(t, 'echo.ts');
  const peer = await connect(t, url.replace('http', 'ws'));
  peer.ws.send('hello');
  peer.ws.send(Buffer.from([0, 255]));
  const [text, bytes] = await peer.frames.atLeast(2);
  assert.deepEqual([text?.text, text?.isBinary, bytes?.data, bytes?.isBinary], ['hello', false, Buffer.from([0, 255]), true]);
  child.kill('SIGTERM');
  assert.deepEqual(await peer.ended, { code: 1001, reason: 'going away' });
  assert.equal(peer.frames.all.at(-1)?.text, 'The server is shutting down, goodbye.');
  await lines.first((line) => line.endsWith(' left with 1001'));
});

test('an iodine-style chat: the others of a room hear who comes, speaks and leaves', async (t) => {
  const { url } = await start(t, 'chat.ts');
  const room = url.replace('http', 'ws');
  const ada = await connect(t, `${room}/chat/7?name=ada`);
  const grace = await connect(t, `${room}/chat/7?name=grace`);
  const alan = await connect(t, `${room}/chat/8?name=alan`);
  await ada.frames.first(({ text }) => text === 'grace is here');
  ada.ws.send('hello');
  await grace.frames.first(({ text }) => text === 'ada: hello');
  grace.ws.close();
  await ada.frames.first(({ text }) => text === 'grace left');
  const heard = ({ frames }: typeof ada): string[] => frames.all.map(({ text }) => text);
  assert.deepEqual(heard(ada), ['welcome, ada', 'grace is here', 'grace left']);
  assert.deepEqual(heard(grace), ['welcome, grace', 'ada: hello']);
  assert.deepEqual(heard(alan), ['welcome, alan']);
  assert.equal((await refusal(t, `${room}/chat/7?name=`)).status, 400);
});

test('the development helper of wsgateway counts, tags and tells everybody, and has clients without sockets', async (t) => {
  const { gateway, wsUrl } = await host(t, { onMessage() {} });
  const peer = await connect(t, wsUrl);
  Object.assign(process.env, { EVERY_MS: '20', SIMULATED: '50' });
  const told: string[] = [];
  t.mock.method(console, 'log', (line: string) => told.push(line));
  const extensions = new Extensions({ log: SILENT_LOG, clock: systemClock });
  await extensions.start([fileOf('development.ts')], gateway);
  assert.equal(await gateway.count({ foo: 'bar' }), 50);
  while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.match(told[0] ?? '', /^51 clients, 50 were told, 50 frames, \d+ MB$/);
  assert.equal(await gateway.count({ seen: '1' }), 51);
  await extensions.stop();
  assert.equal(await gateway.count(), 1);
  assert.equal(peer.frames.all.length, 0);
});
