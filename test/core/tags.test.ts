import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tagProblem } from '../../src/core/tag-index.ts';

const tags = (count: number): Map<string, string> => new Map(Array.from({ length: count }, (_, index) => [`key${index}`, 'value']));

test('64 tags are well, 65 are not', () => {
  assert.equal(tagProblem(tags(0)), null);
  assert.equal(tagProblem(tags(64)), null);
  assert.match(tagProblem(tags(65)) ?? '', /64 tags, not 65/);
});

test('a tag has at most 128 bytes of UTF-8, key and value together', () => {
  assert.equal(tagProblem(new Map([['k', 'x'.repeat(127)]])), null);
  assert.match(tagProblem(new Map([['k', 'x'.repeat(128)]])) ?? '', /128 bytes/);
  assert.equal(tagProblem(new Map([['k'.repeat(128), '']])), null);
  assert.match(tagProblem(new Map([['k', '\u2603'.repeat(43)]])) ?? '', /128 bytes/);
});

test('a tag needs a key', () => {
  assert.match(tagProblem(new Map([['', 'x']])) ?? '', /needs a key/);
});
