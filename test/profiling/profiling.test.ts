import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readArguments } from '../../src/cli/arguments.ts';
import { fileProblem, ofWorker } from '../../src/profiling/whole-life.ts';
import { startApp } from '../support/app.ts';
import { ask } from '../support/ask.ts';
import { startBackend } from '../support/backend.ts';
import { enter, isEvent, wholeFile } from '../support/guests.ts';
import { startGateway } from '../support/gateway.ts';

type Profile = {
  readonly nodes: readonly { readonly callFrame: { readonly functionName: string } }[];
  readonly samples: readonly number[];
};

const backend = await startBackend(wholeFile);
const gateway = await startApp(wholeFile, { API_URI: backend.url, DEBUG_PROFILING: 'true', NODE_NAME: 'gw-1' });
const post = (path: string, base = gateway.controlUrl) => ask(base + path, { method: 'POST' });

test('a CPU profile is taken while clients are served, one at a time, and says whose it is', async (t) => {
  const asked = post('/debug/profile?seconds=1');
  const guest = await enter(t, { gateway, backend });
  guest.ws.send('meanwhile');
  await backend.calls.first(isEvent('message', guest.id));
  await gateway.log.first(({ msg }) => msg === 'a CPU profile is being taken');
  const busy = [await post('/debug/profile?seconds=1'), await post('/debug/heap')];
  assert.deepEqual(
    busy.map(({ status, body }) => [status, (JSON.parse(body) as { code: string }).code]),
    [
      [409, 'CONFLICT'],
      [409, 'CONFLICT'],
    ],
  );
  const { status, headers, body } = await asked;
  const { nodes, samples } = JSON.parse(body) as Profile;
  assert.equal(status, 200);
  assert.ok(samples.length > 100 && nodes.some(({ callFrame }) => callFrame.functionName !== ''), `${samples.length} samples`);
  assert.equal(headers['ws-process'], `gw-1.${process.pid}`);
  assert.equal(headers['content-disposition'], `attachment; filename="wsaas-gw-1.${process.pid}.cpuprofile"`);
});

test('whoever leaves ends his profile, and the next one begins at once', async () => {
  const leaving = new AbortController();
  const before = gateway.log.all.length;
  const left = fetch(`${gateway.controlUrl}/debug/profile?seconds=60`, { method: 'POST', signal: leaving.signal });
  await gateway.log.first((line) => line.msg === 'a CPU profile is being taken' && line['seconds'] === 60);
  leaving.abort();
  await assert.rejects(left);
  for (;;) {
    const { status } = await post('/debug/profile?seconds=1');
    if (status === 200) break;
    assert.equal(status, 409);
  }
  assert.ok(gateway.log.all.length > before);
});

test('a snapshot of the heap is one that can be opened', async () => {
  const { status, headers, body } = await post(`/debug/heap?pid=${process.pid}`);
  assert.equal(status, 200);
  assert.match(String(headers['content-disposition']), /\.heapsnapshot"$/);
  assert.deepEqual(Object.keys(JSON.parse(body) as object).slice(0, 3), ['snapshot', 'nodes', 'edges']);
});

test('wrong parameters, another process and other methods are named', async () => {
  for (const [path, status, says] of [
    ['/debug/profile?seconds=0', 400, /seconds must be a whole number from 1 to 60, came "0"/],
    ['/debug/profile?seconds=61', 400, /from 1 to 60/],
    ['/debug/profile?seconds=1e1', 400, /from 1 to 60/],
    ['/debug/profile?second=1', 400, /"second" is no parameter/],
    ['/debug/heap?seconds=1', 400, /"seconds" is no parameter/],
    ['/debug/heap?pid=1', 409, new RegExp(`this is process ${process.pid}; ask again`)],
  ] as const) {
    const answer = await post(path);
    assert.equal(answer.status, status, path);
    assert.match((JSON.parse(answer.body) as { message: string }).message, says);
  }
  const { status, headers } = await ask(`${gateway.controlUrl}/debug/profile`);
  assert.deepEqual([status, headers['allow']], [405, 'POST']);
});

test('it is off by default, and the answer says what turns it on', async (t) => {
  const { controlUrl } = await startApp(t, { API_URI: backend.url });
  for (const path of ['/debug/profile', '/debug/heap']) {
    const { status, body } = await post(path, controlUrl);
    assert.equal(status, 403);
    assert.match(body, /DEBUG_PROFILING=true/);
  }
});

test('--cpu-profile and --heap-profile write what DevTools open, when the program ends', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wsaas-profiles-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [cpu, heap] = [join(folder, 'a.cpuprofile'), join(folder, 'a.heapprofile')];
  const started = await startGateway(t, { API_URI: backend.url }, { ofProgram: ['--cpu-profile', cpu, `--heap-profile=${heap}`] });
  started.process.kill('SIGTERM');
  assert.deepEqual(await started.exited, { code: 0, signal: null });
  assert.ok((JSON.parse(readFileSync(cpu, 'utf8')) as Profile).samples.length > 10);
  assert.ok('head' in (JSON.parse(readFileSync(heap, 'utf8')) as object));
});

test('each worker has files of its own; a flag without a file, and a file that cannot be, are named', () => {
  const files = { cpu: '/tmp/a.b/app.cpuprofile', heap: './dir.d/heap' };
  assert.deepEqual(ofWorker(files, 2), { cpu: '/tmp/a.b/app.2.cpuprofile', heap: './dir.d/heap.2' });
  assert.deepEqual(readArguments(['--cpu-profile', 'x', '--heap-profile=y=z']), { files: { cpu: 'x', heap: 'y=z' } });
  assert.equal(readArguments(['--cpu-profile', 'x', '--version']), 'version');
  for (const argv of [['--cpu-profile'], ['--cpu-profile='], ['--heap-profile', '--version']]) {
    const read = readArguments(argv);
    assert.ok(
      typeof read === 'object' &&
        'problem' in read &&
        /needs a file to write into, as in --\w+-profile wsaas\.\w+profile$/.test(read.problem),
    );
  }
  assert.match(fileProblem({ cpu: '/nowhere/at/all', heap: null }) ?? '', /ENOENT/);
});
