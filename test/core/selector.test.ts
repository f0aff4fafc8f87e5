import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSelector } from '../../src/core/selector.ts';

function mistakeIn(query: string): string {
  const problem = tried(query);
  assert.ok(typeof problem === 'string', query);
  return problem;
}

const tried = (query: string, own?: readonly string[]) => readSelector(new URLSearchParams(query), own);

function read(query: string, own?: readonly string[]) {
  const selector = tried(query, own);
  assert.ok(typeof selector !== 'string', query);
  return selector;
}

test('an empty query selects nothing', () => {
  assert.equal(read('').type, 'none');
  assert.equal(read('exclude=a').type, 'none');
  assert.equal(read('exclude=a&closeCode=4000', ['closeCode']).type, 'none');
});

test('all=true selects all, but tags narrow it', () => {
  assert.equal(read('all=true').type, 'all');
  assert.deepEqual(read('all=true&room=1&seen=').tags, [
    ['room', '1'],
    ['seen', ''],
  ]);
});

test('ids override the rest, each once, and exclude still counts', () => {
  const selector = read('id=a,b,a,,c&room=1&exclude=b,,c,b');
  assert.deepEqual([selector.type, selector.ids, selector.exclude], ['ids', ['a', 'b', 'c'], ['b', 'c']]);
});

test('a name given twice, another value of all, and a parameter of other requests are told as mistakes', () => {
  for (const query of ['room=1&room=1', 'room=1&room=2', 'id=a&id=b', 'exclude=a&exclude=b', 'all=true&all=true', 'a=1&b=2&a=3'])
    assert.match(mistakeIn(query), /is given twice/, query);
  for (const value of ['', '1', 'yes', 'false', 'TRUE']) assert.match(mistakeIn(`all=${value}`), /all must be true/, value);
  for (const name of ['limit', 'cursor', 'closeCode', 'closeReason'])
    assert.match(mistakeIn(`room=1&${name}=1`), /is no parameter of this request/, name);
});
