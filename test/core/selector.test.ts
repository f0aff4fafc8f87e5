import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSelector } from '../../src/core/selector.ts';

const read = (query: string) => readSelector(new URLSearchParams(query));

test('an empty query selects nothing', () => {
  assert.equal(read('').type, 'none');
  assert.equal(read('exclude=a&limit=1&closeCode=4000').type, 'none');
  assert.equal(read('all=yes').type, 'none');
});

test('all=true selects all, but tags narrow it', () => {
  assert.equal(read('all=true').type, 'all');
  assert.deepEqual(read('all=true&room=1').tags, [['room', '1']]);
});

test('ids override the rest, each once, and exclude still counts', () => {
  const selector = read('id=a,b,a,,c&room=1&exclude=b');
  assert.deepEqual([selector.type, selector.ids, selector.exclude], ['ids', ['a', 'b', 'c'], 'b']);
});

test('of a repeated key the first value counts', () => {
  assert.deepEqual(read('room=1&room=2&seen=').tags, [
    ['room', '1'],
    ['seen', ''],
  ]);
});
