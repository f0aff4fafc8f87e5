import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { suite, test } from 'node:test';
import { Arrivals } from '../support/arrivals.ts';
import { connect } from '../support/client.ts';
import { folderWith } from '../support/folder.ts';
import { AROUND, MAIN } from '../support/gateway.ts';
import { run } from '../support/run.ts';

const FILES = {
  'serverless.yml':
    'service: s\nprovider: { name: aws, runtime: nodejs22.x, environment: { A: "${ssm:x}" } }\nfunctions: { a: { handler: a.handler, events: [ websocket: $connect, websocket: $disconnect ] } }\n',
  'a.cjs': 'exports.handler = async () => ({ statusCode: 200 });',
};

suite('the program of wsaas dev', { concurrency: 2 }, () => {
  test('it says what it could not map and where clients connect, shows what runs, and Ctrl-C ends it with 0 when $disconnect has run', async (t) => {
    const folder = await folderWith(t, FILES);
    const child = spawn(process.execPath, [MAIN, 'dev', `${folder}/serverless.yml`, '--port', '0', '--json'], {
      env: { ...AROUND, HOME: '/nowhere' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'close');
    t.after(() => child.kill('SIGKILL'));
    const lines = new Arrivals<{ type: string; text?: string; routeKey?: string; result?: string; durationMs?: number }>();
    createInterface({ input: child.stdout }).on('line', (line) => lines.add(JSON.parse(line) as (typeof lines.all)[number]));
    const { text = '' } = await lines.first(({ text }) => text?.includes('ws://') === true);
    assert.match(lines.all[0]?.text ?? '', /serverless\.yml:2: provider\.environment\.A: \$\{ssm:x\} has no value here/);
    const client = await connect(t, /ws:\S+/.exec(text)?.[0] ?? '');
    child.kill('SIGINT');
    assert.equal((await client.ended).code, 1001);
    assert.deepEqual(await exited, [0, null]);
    assert.deepEqual(
      lines.all.filter(({ type }) => type === 'ran').map(({ routeKey, result, durationMs = 0 }) => [routeKey, result, durationMs > 0]),
      [
        ['$connect', '200', true],
        ['$disconnect', '200', true],
      ],
    );
  });

  test('a template that is none ends it with 65, a taken port with 69, and it says which', async (t) => {
    const other = createServer().listen(0, '127.0.0.1');
    t.after(() => other.close());
    await once(other, 'listening');
    const port = String((other.address() as AddressInfo).port);
    const folder = await folderWith(t, { ...FILES, 'other.yml': 'a: b\n' });
    const [none, taken] = await Promise.all([
      run({}, ['dev', `${folder}/other.yml`, '--port', '0']),
      run({}, ['dev', `${folder}/serverless.yml`, '--port', port]),
    ]);
    assert.equal(none.code, 65);
    assert.match(none.errors, /other\.yml:1: a serverless\.yml/);
    assert.equal(taken.code, 69);
    assert.match(taken.errors, new RegExp(`127\\.0\\.0\\.1:${port} already; end it, or choose another --port`));
  });
});
