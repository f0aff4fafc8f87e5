import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { pino } from 'pino';
import { createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { startApp } from '../support/app.ts';
import { Arrivals } from '../support/arrivals.ts';
import { connect } from '../support/client.ts';
import { AROUND, MAIN, STANDARD, startGateway } from '../support/gateway.ts';
import { moduleFiles } from '../support/module-files.ts';

const ECHO = `export default { onMessage: (client, data) => client.send('echo ' + data) };`;
const CHAT = `export const handlers = (gateway) => ({
  onMessage: (client, data) => gateway.send({ all: true }, data),
});`;

test('API_URI=module:… serves every path by a module; its default export, or the one named handlers', async (t) => {
  const folder = moduleFiles(t, { 'echo #1.mjs': ECHO, 'chat.mjs': CHAT });
  const one = await startApp(t, { API_URI: `module:${folder}/echo #1.mjs` });
  const a = await connect(t, `${one.wsUrl}/anything`);
  a.ws.send('x');
  assert.equal((await a.frames.first(() => true)).text, 'echo x');
  const two = await startApp(t, { API_URI: `module:${folder}/chat.mjs` });
  const [b, c] = [await connect(t, two.wsUrl), await connect(t, two.wsUrl)];
  b.ws.send('hello');
  assert.equal((await c.frames.first(() => true)).text, 'hello');
});

test('a route names a module relative to its file; after SIGHUP another may serve it', async (t) => {
  const folder = moduleFiles(t, {
    'echo.mjs': ECHO,
    'chat.mjs': CHAT,
    'routes.yaml': 'routes:\n  - { path: /chat, backend: "module:./echo.mjs" }\n',
  });
  const { config } = loadConfig({ ...STANDARD, ROUTES_FILE: join(folder, 'routes.yaml') });
  const app = await createApp(config, pino({ level: 'silent' }), { node: 'n', link: null });
  t.after(() => app.close());
  const { publicUrl } = await app.listen();
  const url = `${publicUrl.replace('http', 'ws')}/chat`;
  const first = await connect(t, url);
  first.ws.send('x');
  assert.equal((await first.frames.first(() => true)).text, 'echo x');
  writeFileSync(join(folder, 'routes.yaml'), 'routes:\n  - { path: /chat, backend: "module:./nowhere.mjs" }\n');
  assert.match(String(await app.reloadRoutes()), /nowhere\.mjs does not exist/);
  writeFileSync(join(folder, 'routes.yaml'), 'routes:\n  - { path: /chat, backend: "module:chat.mjs" }\n');
  assert.equal(await app.reloadRoutes(), null);
  const second = await connect(t, url);
  second.ws.send('new');
  assert.equal((await second.frames.first(() => true)).text, 'new');
  first.ws.send('y');
  assert.equal((await first.frames.first(({ text }) => text !== 'echo x' && text !== 'new')).text, 'echo y');
  first.ws.terminate();
  second.ws.terminate();
});

const UNUSABLE: readonly (readonly [what: string, source: string | null, reason: RegExp])[] = [
  ['is missing', null, /the module .*handlers\.mjs does not exist/],
  ['cannot be read', 'export default {', /cannot be loaded: SyntaxError: /],
  ['throws on load', 'throw new Error("no database")', /cannot be loaded: Error: no database/],
  ['exports nothing', 'const x = 1;', /must export its handlers, by default or as handlers/],
  ['exports something else', 'export default 5', /handlers must be an object, number came/],
  ['exports a slip', 'export default { on_message() {} }', /on_message is no callback; did you mean onMessage\?/],
  ['has a factory that throws', 'export default () => { throw new Error("no key") }', /Error: no key/],
  ['has a factory that promises', 'export default async () => ({ onMessage() {} })', /must be made at once, a promise came/],
];

for (const [what, source, reason] of UNUSABLE) {
  test(`a module that ${what} cannot be started with, and the reason is told`, async (t) => {
    const folder = moduleFiles(t, source === null ? {} : { 'handlers.mjs': source });
    await assert.rejects(startApp(t, { API_URI: `module:${folder}/handlers.mjs` }), reason);
  });
}

async function ended(env: Record<string, string>, cwd: string): Promise<{ code: unknown; errors: string }> {
  const child = spawn(process.execPath, [MAIN], {
    cwd,
    env: { ...AROUND, ...STANDARD, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  return { code, errors };
}

test('the program ends with 78 and one sentence; a path is relative to the working directory', async (t) => {
  const folder = moduleFiles(t, { 'handlers.mjs': 'throw new Error("no database")' });
  const alone = await ended({ API_URI: 'module:./handlers.mjs' }, folder);
  assert.deepEqual([alone.code, alone.errors], [78, `API_URI: the module ${folder}/handlers.mjs cannot be loaded: Error: no database\n`]);
});

test('workers serve a module, an extension runs in each and stops first; SIGHUP rereads .env for the two limits', async (t) => {
  const folder = moduleFiles(t, {
    'handlers.mjs': ECHO,
    'extension.mjs': `import { appendFileSync } from 'node:fs';
      const note = (line) => appendFileSync('notes', line + '\\n');
      export const start = async (gateway) => note('start ' + (await gateway.count()));
      export const stop = () => note('stop');`,
    '.env': 'MAX_MESSAGE_BYTES=10\n',
  });
  const child = spawn(process.execPath, [MAIN], {
    cwd: folder,
    env: { ...AROUND, ...STANDARD, API_URI: 'module:./handlers.mjs', EXTENSIONS: './extension.mjs', WORKERS: '2' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const log = new Arrivals<Record<string, unknown>>();
  createInterface({ input: child.stdout }).on('line', (line) => log.add(JSON.parse(line) as Record<string, unknown>));
  const started = await log.first(({ msg }) => msg === 'wsaas serves', 60_000);
  const wsUrl = String(started['publicUrl']).replace('http', 'ws');
  const small = await connect(t, wsUrl);
  small.ws.send('0123456789x');
  assert.equal((await small.ended).code, 1009);
  writeFileSync(join(folder, '.env'), 'MAX_MESSAGE_BYTES=-5\n');
  child.kill('SIGHUP');
  await log.atLeast(2, ({ msg }) => msg === 'limits stay as they were');
  writeFileSync(join(folder, '.env'), 'MAX_MESSAGE_BYTES=20\nWS_TIMEOUT=50000\n');
  child.kill('SIGHUP');
  const [line] = await log.atLeast(2, ({ msg }) => msg === 'limits were read again');
  assert.deepEqual(line?.['changed'], { MAX_MESSAGE_BYTES: { was: 10, is: 20 }, WS_TIMEOUT: { was: 30_000, is: 50_000 } });
  const peer = await connect(t, wsUrl);
  peer.ws.send('0123456789x');
  assert.equal((await peer.frames.first(() => true)).text, 'echo 0123456789x');
  child.kill('SIGTERM');
  await once(child, 'exit');
  assert.deepEqual(readFileSync(join(folder, 'notes'), 'utf8').trim().split('\n').toSorted(), ['start 0', 'start 0', 'stop', 'stop']);
});

test('an end after a crash is told to a module with a client that can be named', async (t) => {
  const folder = moduleFiles(t, {
    'handlers.mjs': `import { appendFileSync } from 'node:fs';
      const note = (...parts) => appendFileSync(${JSON.stringify('NOTES')}, JSON.stringify(parts) + '\\n');
      export default {
        onOpen: (client) => { client.data = 'kept'; note('open', client.id); return { tags: { room: '7' } }; },
        onClose: (client, code) => note('close', client.id, client.path, client.tags, client.isOpen, client.data ?? null, code),
      };`,
  });
  const notes = join(folder, 'notes');
  writeFileSync(join(folder, 'handlers.mjs'), readFileSync(join(folder, 'handlers.mjs'), 'utf8').replace('"NOTES"', JSON.stringify(notes)));
  const env = { API_URI: `module:${folder}/handlers.mjs`, JOURNAL_DIR: join(folder, 'journal') };
  const first = await startGateway(t, env);
  await connect(t, `${first.wsUrl}/here`);
  first.process.kill('SIGKILL');
  await first.exited;
  const second = await startGateway(t, env);
  await second.log.first(({ msg }) => msg === 'telling the ends of connections whose process died');
  const read = (): unknown[][] =>
    readFileSync(notes, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown[]);
  while (read().length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  const [[, id] = [], close] = read();
  assert.deepEqual(close, ['close', id, '/here', { room: '7' }, false, null, 1006]);
});
