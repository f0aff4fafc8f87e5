import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTagChanges } from '../../src/wire/tag-changes.ts';
import { readSetTags } from '../../src/wire/verdicts.ts';

test('urlencoded tags are read as browsers write them, and an empty value stays one', () => {
  assert.deepEqual(readTagChanges('room=1&seen=&n%C3%A4me=a+b%26c&&rate=50%'), [
    ['room', '1'],
    ['seen', ''],
    ['näme', 'a b&c'],
    ['rate', '50%'],
  ]);
  assert.deepEqual(readTagChanges('a=b=c'), [['a', 'b=c']]);
});

const MISTAKES: Readonly<Record<string, readonly [text: string, says: RegExp]>> = {
  'JSON, an object': ['{"room":"1"}', /looks like JSON/],
  'JSON, an array': ['[["a","b=c"]]', /looks like JSON/],
  'a word alone': ['room', /key=value/],
  'a word amid pairs': ['a=1&room&b=2', /key=value/],
  'a part of a form': ['--x\r\nContent-Disposition: form-data; name="room"\r\n\r\n1\r\n--x--', /control characters/],
  lines: ['a=1\nb=2', /control characters/],
  'no key': ['=1', /needs a key/],
  'a key twice': ['a=1&b=2&a=3', /"a" is given twice/],
  'a key set and deleted': ['a=1&a=', /given twice/],
  'a key twice in two spellings': ['a=1&%61=2', /given twice/],
  'an escape that is no UTF-8': ['a=%ff', /UTF-8/],
  'half a character': ['a=%c3', /UTF-8/],
  'a value too long': [`a=${'x'.repeat(200)}`, /128 bytes/],
  'more than 1,000': [Array.from({ length: 1_001 }, (_, index) => `k${index}=1`).join('&'), /at most 1000/],
  ...Object.fromEntries(
    ['id', 'all', 'exclude', 'limit', 'cursor', 'closeCode', 'closeReason'].map(
      (name) => [`the parameter ${name}`, [`${name}=1`, /no tag may be called/]] as const,
    ),
  ),
};

for (const [what, [text, says]] of Object.entries(MISTAKES)) {
  test(`${what} is told as a mistake, and WS-Set-Tags of a backend likewise`, () => {
    assert.match(String(readTagChanges(text)), says);
    assert.match(String(readSetTags({ 'ws-set-tags': text })), /^WS-Set-Tags cannot be read: /);
  });
}

test('a thousand changes are read, and a million are refused without being read', () => {
  assert.equal(readTagChanges(Array.from({ length: 1_000 }, (_, index) => `k${index}=1`).join('&')).length, 1_000);
  assert.match(String(readTagChanges('a=1&'.repeat(1_000_000))), /at most 1000/);
});

test('WS-Set-Tags that comes twice is a mistake, none and an empty one are nothing', () => {
  assert.match(String(readSetTags({ 'ws-set-tags': ['a=1', 'b=2'] })), /given twice/);
  assert.equal(readSetTags({}), null);
  assert.equal(readSetTags({ 'ws-set-tags': '' }), null);
});
