import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CpuRow, MemoryRow } from '../../bench/table.ts';
import { missing } from '../support/engine-server.ts';
import { MAIN } from '../support/gateway.ts';

const BENCH = fileURLToPath(new URL('../../bench/bench.ts', import.meta.url));
const FLOOR = fileURLToPath(new URL('../../bench/floor.ts', import.meta.url));
const SMALL =
  '--rounds 1 --duration 0.1 --warm-up 0 --connections 50 --in-flight 8 --broadcasts 3 --steps 25,50 --settle 0.1 --unpinned'.split(' ');

type Result = { readonly code: number; readonly out: string; readonly errors: string };

/** Each run starts two programs in TypeScript: with a cache they are read once. */
const env = { NODE_COMPILE_CACHE: join(tmpdir(), 'wsaas-bench-compiled'), ...process.env };

function bench(args: readonly string[]): Promise<Result> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BENCH, ...args], { env }, (error, out, errors) => resolve({ code: Number(error?.code ?? 0), out, errors }));
  });
}

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bench-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('every workload, very small, gives a whole table and JSON, and loses nothing', async (t) => {
  const json = join(scratch(t), 'result.json');
  const workloads = 'upstream,upstream@500,tls,downstream,connect,echo,idle,raw,ocpp,aws';
  const { code, out, errors } = await bench([...SMALL, '--main', MAIN, '--json', json, '--workloads', workloads]);
  assert.equal(code, 0, out + errors);
  const { rows, idleRows, machine, problems, runs } = JSON.parse(readFileSync(json, 'utf8')) as {
    rows: CpuRow[];
    idleRows: MemoryRow[];
    machine: Record<string, unknown>;
    problems: string[];
    runs: unknown[];
  };
  const names = ['upstream', 'upstream@500', 'tls', 'downstream', 'connect', 'connect: close', 'echo'];
  assert.deepEqual(
    rows.map(({ workload, target }) => `${workload} ${target}`),
    [...names.flatMap((name) => [`${name} floor`, `${name} ours`]), 'raw ours', 'ocpp ours', 'aws ours'],
  );
  for (const row of rows) {
    assert.equal(row.check, 'ok');
    assert.equal(row.rounds, 1);
    const figures = [row.cpuUs.median, row.cpuUs.min, row.cpuUs.max, row.perSecond, row.generatorUs, row.otherCores];
    assert.ok(
      figures.every((figure) => Number.isFinite(figure)),
      JSON.stringify(row),
    );
    if (!row.workload.startsWith('connect')) assert.ok(row.p50Us > 0 && row.p99Us >= row.p50Us, JSON.stringify(row));
  }
  assert.deepEqual(
    idleRows.map(({ target, connections, check }) => [target, connections, check]),
    ['floor', 'ours'].flatMap((target) => [25, 50].map((connections) => [target, connections, 'ok'])),
  );
  for (const row of idleRows) assert.ok(Number.isFinite(row.plainBytes.median) && Number.isFinite(row.collectedBytes.median));
  assert.deepEqual(problems, []);
  assert.equal(runs.length, 15);
  assert.equal(machine['node'], process.version);
  for (const { workload, target } of rows) assert.match(out, new RegExp(`^\\| ${workload} \\| ${target} \\| .* \\| ok \\|$`, 'm'));
  for (const { target, connections } of idleRows)
    assert.match(out, new RegExp(`^\\| ${target} \\| ${connections} \\| .* \\| ok \\|$`, 'm'));
});

test('a stream is measured beside HTTP, once and in order, and is skipped with a note where there is no redis-server', async () => {
  const { code, out, errors } = await bench([...SMALL, '--main', MAIN, '--workloads', 'stream@20000']);
  assert.equal(code, 0, out + errors);
  if (missing('redis') !== false) return assert.match(out, /stream@20000: skipped, redis-server is not on this machine/);
  for (const target of ['http', 'redis'])
    assert.match(out, new RegExp(`^\\| stream@20000 \\| ${target} \\| [0-9.]+ \\| .* \\| ok \\|$`, 'm'));
});

test('a broadcast to a gateway that has none is skipped with a note, and measured where there is one', async () => {
  const { code, out, errors } = await bench([...SMALL, '--main', FLOOR, '--workloads', 'broadcast']);
  assert.equal(code, 0, out + errors);
  assert.match(out, /^\| broadcast \| floor \| .* \| ok \|$/m);
  assert.match(out, /broadcast, ours: skipped, POST \/send\?all=true is answered with 404/);
});

const FAULTS = [
  ['const answer = await pool', 'calls += 1; if (calls % 7 === 0) return null; const answer = await pool'],
  ['const ACCEPTED', 'let calls = 0; const ACCEPTED'],
  ['socket?.send(data, { binary });', 'socket?.send(data, { binary }); socket?.send(data, { binary });'],
] as const;

test('a gateway that loses a message or repeats a push fails the run, and its rows say which', async (t) => {
  const broken = join(scratch(t), 'broken.ts');
  let source = readFileSync(FLOOR, 'utf8').replaceAll(/from '(undici|ws)'/g, (_, name: string) => `from '${import.meta.resolve(name)}'`);
  for (const [from, to] of FAULTS) {
    assert.ok(source.includes(from));
    source = source.replace(from, to);
  }
  writeFileSync(broken, source);
  const { code, out } = await bench([...SMALL, '--patience', '2', '--main', broken, '--workloads', 'upstream,downstream']);
  assert.equal(code, 1, out);
  assert.match(out, /^\| upstream \| ours \| .*(message out of order|message lost).* \|$/m);
  assert.match(out, /^\| downstream \| ours \| .*(push repeated|push out of order).* \|$/m);
});

test('a mistake on the command line is told with what was wanted', async () => {
  const { code, errors } = await bench(['--workloads', 'sideways']);
  assert.equal(code, 2);
  assert.match(errors, /one of upstream, .* was wanted, not "sideways"/);
});
