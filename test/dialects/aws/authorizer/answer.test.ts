import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { judgeResult, MAX_RESULT_BYTES } from '../../../../src/dialects/aws/authorizer/answer.ts';
import type { FunctionResult } from '../../../../src/wire/functions.ts';

const ARN = 'arn:aws:execute-api:us-east-1:000000000000:abcde12345/prod/$connect';
const policy = (Effect = 'Allow') => ({ Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect, Resource: ARN }] });

function returned(value: unknown): FunctionResult {
  return { type: 'returned', payload: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)) };
}

function answered(status: number, body: string): FunctionResult {
  return { type: 'answered', answer: { type: 'answer', status, headers: {}, body: Buffer.from(body) } };
}

function short(result: FunctionResult): string {
  const judged = judgeResult(result, ARN);
  return judged.type === 'allowed' ? `200 ${judged.principalId} ${JSON.stringify(judged.context)}` : String(judged.status);
}

suite('what an authorizer says', () => {
  const ann = { principalId: 'ann', policyDocument: policy() };
  const rows: readonly (readonly [name: string, result: FunctionResult, expected: string])[] = [
    ['a policy that allows', returned(ann), '200 ann {}'],
    [
      'with a context, which is told as texts',
      returned({ ...ann, context: { a: 'x', b: 1, c: true, d: 0.5 } }),
      '200 ann {"a":"x","b":"1","c":"true","d":"0.5"}',
    ],
    [
      'with keys that objects have by nature',
      returned('{"principalId":"ann","isAuthorized":true,"context":{"__proto__":"x","constructor":1}}'),
      '200 ann {"__proto__":"x","constructor":"1"}',
    ],
    ['a policy that denies', returned({ ...ann, policyDocument: policy('Deny') }), '403'],
    ['no principalId', returned({ policyDocument: policy() }), '403'],
    ['an empty principalId', returned({ principalId: '', policyDocument: policy() }), '403'],
    ['a nested context', returned({ ...ann, context: { a: {} } }), '500'],
    ['a list in the context', returned({ ...ann, context: { a: [] } }), '500'],
    ['null in the context', returned({ ...ann, context: { a: null } }), '500'],
    ['a context that is none', returned({ ...ann, context: 'x' }), '500'],
    ['a malformed policy', returned({ principalId: 'ann', policyDocument: { Statement: [{}] } }), '500'],
    ['nothing about it', returned({ principalId: 'ann' }), '500'],
    ['null', returned('null'), '500'],
    ['nothing at all', returned(''), '500'],
    ['no JSON', returned('<html>'), '500'],
    ['a list', returned([]), '500'],
    ['more than 8 KB', returned({ ...ann, context: { a: 'x'.repeat(MAX_RESULT_BYTES) } }), '500'],
    ['isAuthorized', returned({ isAuthorized: true, context: { user: 'ann' } }), '200 null {"user":"ann"}'],
    ['isAuthorized, and who it is', returned({ isAuthorized: true, principalId: 'ann' }), '200 ann {}'],
    ['isAuthorized: false', returned({ isAuthorized: false }), '403'],
    ['isAuthorized: "true"', returned({ isAuthorized: 'true' }), '500'],
    [
      'isAuthorized beside a policy that denies',
      returned({ isAuthorized: true, principalId: 'ann', policyDocument: policy('Deny') }),
      '403',
    ],
    ['the text Unauthorized', returned('"Unauthorized"'), '401'],
    ['another text', returned('"Forbidden"'), '500'],
    ['an error Unauthorized', { type: 'threw', errorType: 'Error', message: 'Unauthorized' }, '401'],
    ['another error', { type: 'threw', errorType: 'Error', message: 'unauthorized' }, '500'],
    ['an exit', { type: 'threw', errorType: 'Runtime.ExitError', message: 'x' }, '500'],
    ['nothing in its time', { type: 'failure', reason: 'timeout', wasSent: true, detail: 'x' }, '504'],
    ['nothing, as it is not there', { type: 'failure', reason: 'unreachable', wasSent: false, detail: 'x' }, '500'],
    ['in words of HTTP, a policy', answered(200, JSON.stringify(ann)), '200 ann {}'],
    ['in words of HTTP, 401', answered(401, ''), '401'],
    ['in words of HTTP, 403', answered(403, ''), '403'],
    ['in words of HTTP, 404', answered(404, ''), '403'],
    ['in words of HTTP, 500', answered(500, ''), '500'],
    ['in words of HTTP, a redirect', answered(302, ''), '500'],
  ];
  for (const [name, result, expected] of rows) test(`${name}: ${expected.slice(0, 3)}`, () => assert.equal(short(result), expected));
});
