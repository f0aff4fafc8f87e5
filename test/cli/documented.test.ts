import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { findProgram, lacks } from '../examples/programs.ts';
import { startApp, type AppGateway } from '../support/app.ts';
import { startBackend, type Backend } from '../support/backend.ts';
import { connect, type Client } from '../support/client.ts';
import { patternOf, shownIn, typed } from '../support/documented.ts';
import { AROUND, MAIN } from '../support/gateway.ts';
import { bodyOf, ok } from '../support/guests.ts';

type Room = {
  readonly gateway: AppGateway;
  readonly backend: Backend;
  readonly join: (user: string) => Promise<Client & { readonly id: string }>;
};

/** A gateway whose clients are in room 1, as the pages have it. */
async function room(t: TestContext, env: Record<string, string>): Promise<Room> {
  const users: string[] = [];
  const backend = await startBackend(t, (call) => {
    if (call.headers['ws-event'] === 'open') return ok({ tags: { room: '1', user: users.shift() ?? '' } });
    return call.text === 'bad' ? { status: 422 } : {};
  });
  const gateway = await startApp(t, { API_URI: backend.url, NODE_NAME: 'gateway-1', ...env });
  const join = async (user: string): Promise<Client & { readonly id: string }> => {
    users.push(user);
    const { length } = backend.calls.all;
    const client = await connect(t, `${gateway.wsUrl}/chat`);
    const open = backend.calls.all.slice(length).find((call) => call.headers['ws-event'] === 'open');
    assert.equal(bodyOf(open ?? assert.fail('no open'))['path'], '/chat');
    return { ...client, id: String(open?.headers['ws-connection']) };
  };
  return { gateway, backend, join };
}

/** Runs what the page shows, and compares it with what it shows as printed. */
async function runPage(
  t: TestContext,
  page: string,
  { gateway, id }: { readonly gateway: AppGateway; readonly id: string },
): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), 'wsaas-docs-'));
  t.after(() => rm(cwd, { recursive: true }));
  await writeFile(join(cwd, 'picture.png'), Buffer.from([0x89, 0x50, 0xff]));
  const shown = shownIn(page).filter(({ command }) => !command.startsWith('wsaas tail'));
  assert.ok(shown.length >= 4, page);
  const { host } = new URL(gateway.controlUrl);
  const commands = shown.map(({ command }) => command.replaceAll('localhost:8080', host));
  const env = { ...AROUND, ID: id, NODE: process.execPath, MAIN };
  const [, ...printed] = await typed(['wsaas() { "$NODE" "$MAIN" "$@"; }', ...commands], { cwd, env });
  for (const [index, { command, printed: wanted }] of shown.entries()) {
    const came = printed[index]?.replace(/([^\n])$/, '$1\n'); // a body without a line end
    assert.match(came ?? '', patternOf(wanted), `$ ${command}`);
  }
}

test('every example of docs/cli.md prints what the page says', async (t) => {
  const { gateway, join: enter } = await room(t, { CONTROL_TOKEN: 'secret' });
  const ada = await enter('ada');
  const grace = await enter('grace');
  await runPage(t, 'docs/cli.md', { gateway, id: ada.id });
  assert.deepEqual(
    ada.frames.all.map(({ text, isBinary }) => (isBinary ? 'binary' : text)),
    ['hello', 'from a pipe\n', 'binary', 'hello room', 'hello you'],
  );
  assert.deepEqual(await ada.ended, { code: 4001, reason: 'bye' });
  assert.equal((await grace.frames.atLeast(2))[1]?.text, 'so long');
  assert.equal((await grace.ended).code, 1000);
});

test('every request of docs/console.md is answered as the page says', async (t) => {
  if (findProgram(['curl']) === null) return lacks(t, 'curl', 'curl');
  const { gateway, backend, join: enter } = await room(t, {});
  const [ada, grace, alan] = [await enter('ada'), await enter('grace'), await enter('alan')];
  alan.ws.send('bad');
  await backend.calls.first(({ text }) => text === 'bad');
  grace.ws.close(4001, 'bye');
  await backend.calls.first(({ headers }) => headers['ws-event'] === 'close');
  await runPage(t, 'docs/console.md', { gateway, id: ada.id });
});

test('wsaas tail prints lines of the forms that docs/cli.md shows, and ends with 0 on Ctrl-C', async (t) => {
  const { gateway, join: enter } = await room(t, { CONTROL_TOKEN: 'secret' });
  const shown = shownIn('docs/cli.md').find(({ command }) => command.startsWith('wsaas tail'));
  const [, ...argv] = shown?.command.split(' ') ?? [];
  const child = spawn(process.execPath, [MAIN, ...argv], {
    env: { ...AROUND, CONTROL_URL: gateway.controlUrl, CONTROL_TOKEN: 'secret' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  const printed = async (words: string): Promise<void> => {
    while (!out.includes(words)) out += String((await once(child.stdout, 'data'))[0]);
  };
  for (let round = 0; !out.includes('→ open'); round += 1) {
    assert.ok(round < 100, out);
    await enter('ada'); // nobody tells when it has begun to watch
    const [more = ''] = (await Promise.race([
      once(child.stdout, 'data'),
      new Promise((resolve) => setTimeout(resolve, 300, [])),
    ])) as string[];
    out += more;
  }
  const ada = await enter('ada');
  ada.ws.send('hello');
  await printed('delivered');
  await fetch(`${gateway.controlUrl}/${ada.id}`, { method: 'PUT', body: 'hello \u001b[2J', headers: { authorization: 'Bearer secret' } });
  await printed('← push');
  ada.ws.close(1000, 'bye');
  await printed('closed');
  for (const line of shown?.printed.trimEnd().split('\n') ?? []) {
    const pattern = line
      .replaceAll(/\b(?=\w*\d)[\w-]{30}\b|\b[0-9a-f]{32}\b/g, '\u0001')
      .replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    assert.match(
      out,
      new RegExp(`^${pattern.replaceAll(/\d+(?:\\\.\d+)?/g, String.raw`\d+(?:\.\d+)?`).replaceAll('\u0001', String.raw`[\w-]+`)}`, 'm'),
      line,
    );
  }
  assert.ok(!out.includes('\u001b'), 'a client cannot steer the terminal');
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});
