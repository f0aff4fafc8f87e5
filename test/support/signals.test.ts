import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { gone, isAlive, killIfThere, pidOf, signalTo } from './signals.ts';

test('a number that means no process, or more than one, is refused', () => {
  for (const pid of [0, 1, -1, -process.pid, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => signalTo(pid, 0), RangeError, String(pid));
  assert.throws(() => pidOf(spawn('/nowhere/program').on('error', () => {})), /\/nowhere\/program did not start/);
});

test('who signals a process that is gone is told, who only sees to its end is not', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1_000)']);
  const pid = pidOf(child);
  assert.ok(isAlive(pid));
  killIfThere(pid);
  await gone([pid]);
  assert.equal(isAlive(pid), false);
  killIfThere(pid);
  assert.throws(() => signalTo(pid, 'SIGKILL'), { code: 'ESRCH' });
});
