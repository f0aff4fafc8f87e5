import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { ControlClient } from '../../src/cli/control/client.ts';
import { follow } from '../../src/cli/control/event-source.ts';
import { readLine } from '../../src/cli/control/line.ts';
import { CommandProblem } from '../../src/cli/control/problem.ts';
import { pairsOf, SELECTION, selectorOf } from '../../src/cli/control/selection.ts';
import { lineOf } from '../../src/cli/control/sighting-line.ts';
import { visible } from '../../src/cli/control/visible.ts';
import { startApp } from '../support/app.ts';
import { Arrivals } from '../support/arrivals.ts';
import { startBackend } from '../support/backend.ts';
import { enter, ok, wholeFile } from '../support/guests.ts';
import { AROUND, MAIN } from '../support/gateway.ts';
import { run } from '../support/run.ts';

/** Runs a command in this process, as far as it says nothing on stdout. */
async function failed(t: TestContext, argv: readonly string[], env: Record<string, string>): Promise<[code: number, told: string]> {
  let told = '';
  const { mock } = t.mock.method(process.stderr, 'write', (text: string) => {
    told += text;
    return true;
  });
  const [name = '', ...rest] = argv;
  const code = await COMMANDS[name]?.load().then(({ run: command }) => command(rest, env));
  mock.restore();
  return [code ?? -1, told];
}

test('each command tells with --help what it takes, and the program lists them all', async () => {
  const { out } = await run({}, ['--help']);
  for (const [name, { help }] of Object.entries(COMMANDS)) assert.match(out, new RegExp(`^  ${name} +${help}$`, 'm'));
  const { code, out: own } = await run({}, ['tail', '--route', 'x', '--help']);
  assert.equal(code, 0);
  for (const flag of ['--route', '--tag', '--id', '--json', '--url', '--token', '--ca', '--cert', '--key'])
    assert.ok(own.includes(flag), flag);
});

suite('what cannot be done has an exit code, and one sentence says why', async () => {
  const backend = await startBackend(wholeFile, () => ok());
  const gateway = await startApp(wholeFile, {
    API_URI: backend.url,
    CONTROL_TOKEN: 'secret',
    MAX_MESSAGE_BYTES: '100',
    CONSOLE_WATCHERS: '0',
  });
  const env = { CONTROL_URL: gateway.controlUrl, CONTROL_TOKEN: 'secret' };
  const stranger = createServer((_request, response) => response.writeHead(404).end('<h1>not here</h1>')).listen(0, '127.0.0.1');
  wholeFile.after(() => stranger.close());
  await once(stranger, 'listening');
  const strangerUrl = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
  const guest = await enter(wholeFile, { gateway, backend });

  const rows: [argv: string[], code: number, told: RegExp, own?: Record<string, string>][] = [
    [['push'], 64, /whom\?/],
    [['push', 'x', 'two', 'words'], 64, /quotes/],
    [['push', 'x', 'y', '--file', 'z'], 64, /given twice/],
    [['send', 'x'], 64, /who is meant\?/],
    [['send', '--tag', 'room', 'x'], 64, /KEY=VALUE, "room" came/],
    [['send', '--all', '--id', 'x', 'y'], 64, /exclude each other/],
    [['close'], 64, /whom\?/],
    [['close', 'x', '--all'], 64, /one <id>, or/],
    [['count', 'room=1'], 64, /--tag KEY=VALUE/],
    [['tags', '--all'], 64, /which tags/],
    [['status', '--limit', '0'], 64, /--limit/],
    [['tail', '--nope'], 64, /'--nope'/],
    [['count', '--url', 'ftp://x'], 64, /--url must be/],
    [['push', guest.id, 'x'.repeat(200)], 65, /over MAX_MESSAGE_BYTES/],
    [['push', guest.id, '--file', '/does/not/exist'], 65, /cannot be read: ENOENT/],
    [['close', guest.id, '--code', '5'], 65, /close code/i],
    [['push', 'nobody', 'x'], 67, /no connection has this id/],
    [['close', 'nobody'], 67, /no connection has this id/],
    [['count', '--url', 'http://127.0.0.1:9'], 69, /no gateway answers at http:\/\/127\.0\.0\.1:9 .*CONTROL_URL/],
    [['count', '--url', strangerUrl], 69, /is no control API of wsaas/],
    [['tail'], 75, /0 watch already \(CONSOLE_WATCHERS\)/],
    [['count', '--token', 'wrong'], 77, /CONTROL_TOKEN or with --token/],
    [['count'], 77, /token/, { CONTROL_TOKEN: '' }],
  ];
  for (const [argv, code, told, own = {}] of rows) {
    test(`wsaas ${argv.join(' ').slice(0, 60)} is ${code}`, async (t) => {
      const [came, said] = await failed(t, argv, { ...env, ...own });
      assert.equal(came, code, said);
      assert.match(said, told);
      assert.match(said, /^wsaas: [^\n]+\n$/, 'one line');
    });
  }
});

test('where clients connect, the port of the control API is asked for', async (t) => {
  const backend = await startBackend(t, () => ok());
  const gateway = await startApp(t, { API_URI: backend.url, CONTROL_PORT: '0' });
  const [code, told] = await failed(t, ['count'], { CONTROL_URL: gateway.publicUrl });
  assert.equal(code, 69, told);
  assert.match(told, /where clients connect.*--url/);
});

test('an id that begins with a hyphen is an id, an unknown flag is a mistake', () => {
  const id = `-${'a'.repeat(29)}`;
  assert.deepEqual(readLine([id, '--id', id, '--json'], SELECTION), { words: [id], values: { id: [id], json: true } });
  assert.throws(() => readLine(['-x'], SELECTION), CommandProblem);
});

test('a selection is the query that the control API reads', () => {
  assert.equal(selectorOf({ tag: ['room=1', 'say=a=b&c'], exclude: ['x', 'y'] })?.toString(), 'room=1&say=a%3Db%26c&exclude=x%2Cy');
  assert.equal(selectorOf({ id: ['a', 'b'] })?.toString(), 'id=a%2Cb');
  assert.equal(selectorOf({ all: true })?.toString(), 'all=true');
  assert.equal(selectorOf({}), null);
  assert.throws(() => selectorOf({ id: ['a,b'] }), /comma/);
  assert.deepEqual(pairsOf(['gone=']), [['gone', '']]);
});

test('a client’s words cannot move the cursor, add a line or turn the text', () => {
  assert.equal(visible('a\u001b[2J\r\n\u202eb\u0085\u2028'), String.raw`a\u001b[2J\u000d\u000a\u202eb\u0085\u2028`);
  assert.equal(visible('Zoë 👩‍👩‍👧 ﷺ'), 'Zoë 👩‍👩‍👧 ﷺ');
  const line = lineOf({
    type: 'closed',
    at: 0,
    node: 'n',
    id: 'x\n',
    route: 'r',
    path: '/\u001b]0;title\u0007',
    trace: '',
    code: 1000,
    reason: '\nfake line',
    by: 'client',
    openMs: null,
    messages: null,
  });
  assert.doesNotMatch(line, /\p{Cc}/u);
});

test('tail goes on when the gateway is back, and gives up where another try would change nothing', async (t) => {
  const backend = await startBackend(t, () => ok());
  const closes: (() => unknown)[] = [];
  const first = await startApp({ after: (close) => void closes.push(close as () => unknown) }, { API_URI: backend.url });
  const leaving = new AbortController();
  t.after(() => leaving.abort());
  const told = new Arrivals<string>();
  const broke = new Arrivals<string>();
  const client = new ControlClient(new URL(first.controlUrl), null);
  const following = follow(client, 'console/events', {
    query: new URLSearchParams(),
    signal: leaving.signal,
    told: (event) => told.add(event),
    broke: (why) => broke.add(why),
  });
  await told.first((event) => event === 'hello');
  for (const close of closes) await close();
  await broke.atLeast(1);
  const { port } = new URL(first.controlUrl);
  const again = await startApp(t, { API_URI: backend.url, PORT: port, DRAIN_MS: '50' });
  await told.atLeast(2, (event) => event === 'hello');
  await again.drain();
  await broke.first((why) => why === 'this gateway shuts down');
  const shut = await startApp(t, { API_URI: backend.url, PORT: port, CONTROL_TOKEN: 'now there is one' });
  assert.ok(shut);
  await assert.rejects(following, { exitCode: 77 });
});

test('a reader that leaves ends tail', async (t) => {
  const backend = await startBackend(t, () => ok());
  const gateway = await startApp(t, { API_URI: backend.url });
  const shell = spawn('sh', ['-c', `"$0" "$1" tail --json | head -1`, process.execPath, MAIN], {
    env: { ...AROUND, CONTROL_URL: gateway.controlUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  shell.stdout.on('data', (chunk) => (out += String(chunk)));
  const ended = once(shell, 'close');
  let isOver = false;
  void ended.then(() => (isOver = true));
  for (let round = 0; round < 200 && !isOver; round += 1) {
    await enter(t, { gateway, backend });
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 100))]);
  }
  assert.ok(isOver, out);
  assert.equal((JSON.parse(out) as { type: string }).type, 'opened');
});
