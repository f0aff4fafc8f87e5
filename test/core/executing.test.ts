import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from '../../src/core/commands.ts';
import { executeByChosenId } from '../../src/core/executing.ts';
import { sampleConnection, sampleSocket } from '../contracts/samples.ts';

const PUSH: Command = { type: 'push', id: 'box', message: { data: Buffer.from('x'), isBinary: false }, idempotencyKey: null };
const VERDICT = { type: 'accepted', tags: null, data: null, subprotocol: null, message: null, headers: [] } as const;

test('while the holder of an id is being closed, a push is answered for those that are being asked about: they get it', () => {
  const holder = sampleConnection();
  holder.attach(sampleSocket(), VERDICT);
  holder.close(4409, '');
  const newcomer = sampleConnection();
  assert.deepEqual(executeByChosenId(holder, new Set([newcomer]), PUSH), { type: 'queued' });
  assert.deepEqual(executeByChosenId(holder, new Set(), PUSH), { type: 'not-found' });
});
