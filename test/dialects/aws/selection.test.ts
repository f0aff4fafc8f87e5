import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { readSelection } from '../../../src/dialects/aws/selection.ts';
import { sampleAwsCodec, sent } from './samples.ts';

fc.configureGlobal({ seed: 1 }); // a run finds what the last one found

function selected(expression: string, body: unknown): string {
  const selection = readSelection(expression);
  assert.ok(!('problem' in selection), JSON.stringify(selection));
  return selection(body);
}

const TABLE: readonly (readonly [expression: string, body: unknown, result: string])[] = [
  ['$request.body.action', { action: 'join' }, 'join'],
  ['${request.body.action}', { action: 'join' }, 'join'],
  ['$request.body.a.b', { a: { b: 'deep' } }, 'deep'],
  ['$request.body.detail-type', { 'detail-type': 'order' }, 'order'],
  ["$request.body['a.b']", { 'a.b': 'odd' }, 'odd'],
  ['${request.body["a}b"]}', { 'a}b': 'odd' }, 'odd'],
  ['$request.body.list[1]', { list: ['x', 'y'] }, 'y'],
  ['${request.body.a}-${request.body.b}', { a: 'x', b: 'y' }, 'x-y'],
  ['${request.body.action}-${request.body.nope}', { action: 'join' }, 'join-'],
  ['$request.body.a/$request.body.b', { a: 'x', b: 'y' }, 'x/y'],
  ['\\$default', {}, '$default'],
  ['fixed', {}, 'fixed'],
  ['pre-${request.body.a}', { a: '${request.body.b}', b: 'twice' }, 'pre-${request.body.b}'],
  ['$request.body.n', { n: 7 }, '7'],
  ['$request.body.n', { n: true }, 'true'],
  ['$request.body.n', { n: null }, ''],
  ['$request.body.n', { n: ['item1', 'item2'] }, '[item1, item2]'],
  ['$request.body.n', { n: [1, [true, null]] }, '[1, [true, ]]'],
  ['$request.body.n', { n: { a: 1 } }, '{"a":1}'],
  ['$request.body.action', 'foobar', ''],
  ['$request.body.length', 'foobar', ''],
  ['$request.body.action', 42, ''],
  ['$request.body.action', null, ''],
  ['$request.body.action', undefined, ''],
  ['$request.body.action', [{ action: 'x' }], ''],
  ['$request.body.constructor', {}, ''],
  ['$request.body.__proto__.x', {}, ''],
  ['$request.body.length', [1, 2], ''],
];

for (const [expression, body, result] of TABLE)
  test(`${expression} of ${JSON.stringify(body)} is ${JSON.stringify(result)}`, () => assert.equal(selected(expression, body), result));

test('what cannot be served is a mistake that says what can', () => {
  for (const [expression, wanted] of [
    ['', /must not be empty/],
    ['$request.header.x', /may name \$request\.body\.<field> only/],
    ['$context.routeKey', /may name/],
    ['cost: $5', /a dollar sign of its own is written \\\$/],
    ['$request.body', /must name a field/],
    ['${request.body.a', /must close/],
    ['${request.body..a}', /must name a field/],
    ['$request.body.a[*]', /other JSONPath/],
    ['${request.body.a[?(@.b)]}', /other JSONPath/],
  ] as const) {
    const read = readSelection(expression);
    assert.ok('problem' in read, expression);
    assert.match(read.problem, wanted, expression);
  }
});

test('nesting without end neither ends the process nor takes long', () => {
  const deep = `{"action":${'['.repeat(60_000)}${']'.repeat(60_000)}}`;
  const objects = `{"action":${'{"a":'.repeat(30_000)}1${'}'.repeat(30_000)}}`;
  for (const text of [deep, objects]) assert.equal(typeof selected('$request.body.action', JSON.parse(text)), 'string');
});

test('no data of a client ever chooses $connect or $disconnect, or what an object has by nature', () => {
  const codec = sampleAwsCodec({ routeSelectionExpression: '${request.body.a}${request.body.b}' });
  const word = fc.oneof(
    fc.constantFrom('$connect', '$disconnect', '$default', '$', 'connect', '\\$connect', 'constructor', '__proto__', 'sendmessage', ''),
    fc.string(),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.record({ a: word, b: word }).map((body) => JSON.stringify(body)),
        fc.string(),
        fc.json(),
      ),
      (text) => {
        const step = codec.encodeMessage(sent(text));
        assert.ok(step.type === 'call' && ['$default', 'sendmessage'].includes(step.fn.routeKey), text);
        const { requestContext } = JSON.parse(step.call.payload) as { requestContext: { routeKey: string; eventType: string } };
        assert.deepEqual([requestContext.routeKey, requestContext.eventType], [step.fn.routeKey, 'MESSAGE']);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('a message that is no JSON, or binary, belongs to $default', () => {
  const codec = sampleAwsCodec();
  for (const event of [
    sent('{"action":"sendmessage"'),
    sent('{"action":"sendmessage"}', { isBinary: true }),
    sent(''),
    sent('"sendmessage"'),
  ]) {
    const step = codec.encodeMessage(event);
    assert.ok(step.type === 'call' && step.fn.routeKey === '$default');
  }
  const step = codec.encodeMessage(sent('\uFEFF{"action":"sendmessage"}'));
  assert.ok(step.type === 'call' && step.fn.routeKey === 'sendmessage', 'a byte-order mark is no part of JSON');
});
