import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { listensOn, parseMachineStat, parseProcessStat, parsePss, processTree, treeOf } from '../../bench/proc.ts';
import { pidOf } from '../support/signals.ts';

test("a process's CPU time is user and system, its own and that of children it waited for", () => {
  const line = '4711 (node) S 42 4711 42 0 -1 4194560 900 0 3 0 150 25 7 3 20 0 11 0 88 1288980 15999 18446744073709551615 1 1';
  assert.deepEqual(parseProcessStat(line), { pid: 4711, parentPid: 42, cpuTicks: 185 });
});

test('a process may have spaces and brackets in its name', () => {
  const line = '7 (a) b (c)) R 1 7 7 0 -1 0 0 0 0 0 10 20 30 40 20 0 1 0 5 0 0 0';
  assert.deepEqual(parseProcessStat(line), { pid: 7, parentPid: 1, cpuTicks: 100 });
});

test('the machine is busy with everything but idling and waiting for disks', () => {
  const text = 'cpu  100 20 30 9999 888 4 5 6 77 0\ncpu0 50 10 15 5000 400 2 2 3 30 0\n';
  assert.deepEqual(parseMachineStat(text), { busyTicks: 165 });
});

test('memory is the Pss line of smaps_rollup, in bytes', () => {
  const text =
    '55e0-7ffd ---p 00000000 00:00 0 [rollup]\nRss:               70000 kB\nPss:               61234 kB\nPss_Dirty:         50000 kB\n';
  assert.equal(parsePss(text), 61_234 * 1024);
  assert.throws(() => parsePss('Rss: 1 kB\n'), /no line "Pss/);
});

const stat = (pid: number, parentPid: number) => ({ pid, parentPid, cpuTicks: 1 });

test('a tree is the root with children and grandchildren, and nobody else', () => {
  const all = [stat(30, 20), stat(10, 1), stat(20, 10), stat(99, 1), stat(21, 10)];
  assert.deepEqual(
    treeOf(10, all)
      .map(({ pid }) => pid)
      .toSorted((a, b) => a - b),
    [10, 20, 21, 30],
  );
  assert.deepEqual(treeOf(5, all), []);
});

test('this very process is found in /proc', () => {
  assert.equal(processTree(process.pid)[0]?.parentPid, process.ppid);
});

test('who listens on a port is told, and no other process for it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1_000)'], { stdio: 'ignore' });
  assert.deepEqual([listensOn(process.pid, port), listensOn(pidOf(other), port)], [true, false]);
  other.kill('SIGKILL');
  server.close();
  await Promise.all([once(server, 'close'), once(other, 'exit')]);
  assert.equal(listensOn(process.pid, port), false);
});
