import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOSE_CODES, isSendableCloseCode, MAX_REASON_BYTES } from '../../src/core/close-codes.ts';

test('exactly the codes of docs/contract.md#commands-on-one-connection may be sent', () => {
  const sendable: number[] = [];
  for (let code = -1; code <= 70_000; code += 1) if (isSendableCloseCode(code)) sendable.push(code);
  const expected = [1000, 1001, 1003, ...Array.from({ length: 8 }, (_, index) => 1007 + index)];
  for (let code = 3000; code <= 4999; code += 1) expected.push(code);
  assert.deepEqual(sendable, expected);
});

test('no other number may be sent', () => {
  for (const code of [1000.5, NaN, Infinity, -1000]) assert.equal(isSendableCloseCode(code), false);
});

test('what is never sent says so, and every code is there once', () => {
  const rows = Object.values(CLOSE_CODES);
  assert.equal(new Set(rows.map(({ code }) => code)).size, rows.length);
  for (const { code, when } of rows) if (when.includes('never sent')) assert.equal(isSendableCloseCode(code), false);
});

test('a reason fits into a control frame beside its code', () => {
  assert.equal(MAX_REASON_BYTES, 125 - 2); // RFC 6455 §5.5
});
