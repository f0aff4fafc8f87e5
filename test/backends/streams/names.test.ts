import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Names } from '../../../src/backends/streams/names.ts';
import { filled, MAX_NAME_BYTES, readNameTemplate, type NameTemplate } from '../../../src/wire/name-template.ts';
import { SILENT_LOG } from '../../contracts/samples.ts';

function templateOf(text: string): NameTemplate {
  const template = readNameTemplate(text);
  assert.ok(typeof template !== 'string', JSON.stringify(template));
  return template;
}

const from = (tags: Record<string, string>, json: Record<string, string> = {}) => ({
  tag: (name: string) => tags[name],
  json: (name: string) => json[name],
});

test('places take tags and JSON, their defaults, or _', () => {
  const template = templateOf('a.{tag.room:none}.{json.kind}.z');
  assert.equal(filled(template, from({ room: 'blue' }, { kind: 'x' })), 'a.blue.x.z');
  assert.equal(filled(template, from({})), 'a.none._.z');
  assert.equal(template.standard, 'a.none._.z');
  assert.equal(templateOf('{tag.a:}').standard, '');
  assert.equal(templateOf('{tag.a:with:colons}').standard, 'with:colons');
  assert.ok(templateOf('plain').isConstant && !template.isConstant);
});

test('what is no template says what is wrong with it', () => {
  for (const text of ['{', 'a}', '{room}', '{tag.}', '{tag.a', '{json.a:{json.b}}', '{env.SECRET}', 'x'.repeat(256)])
    assert.equal(typeof readNameTemplate(text), 'string', text);
});

test('no value makes a name longer than a broker takes, or one that is no Unicode', () => {
  const template = templateOf('events-{json.a:none}');
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (value) => {
      const name = filled(template, from({}, { a: value }));
      assert.ok(Buffer.byteLength(name) <= MAX_NAME_BYTES && name.isWellFormed());
    }),
    { numRuns: 30 },
  );
  assert.equal(filled(template, from({}, { a: 'x'.repeat(248) })).length, 255);
  assert.equal(filled(template, from({}, { a: 'x'.repeat(249) })), 'events-none');
});

test('clients that make up names make no more than so many, and none that is reserved', () => {
  const names = new Names({ template: templateOf('{json.a:rest}'), most: 3, reserved: new Set(['commands']), log: SILENT_LOG });
  const of = (a: string) => names.of(from({}, { a }));
  assert.deepEqual(['x', 'y', 'z', 'one too many', 'x', 'commands', 'rest'].map(of), ['x', 'y', 'z', 'rest', 'x', 'rest', 'rest']);
});
