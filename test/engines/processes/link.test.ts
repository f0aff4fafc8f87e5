import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { linkTo } from '../../../src/engines/processes/link.ts';

test('the end of the other process is told once, also to who asks afterwards', async (t) => {
  const child = fork('', { execArgv: ['-e', "process.on('message', () => {})"] }); // would live for ever
  t.after(() => child.kill('SIGKILL'));
  const told: string[] = [];
  linkTo(child).onEnd(() => told.push('before'));
  child.kill('SIGKILL');
  await once(child, 'disconnect');
  linkTo(child).onEnd(() => told.push('after'));
  assert.deepEqual(told, ['before', 'after']);
});
