import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { isLike, judge } from '../../../../src/dialects/aws/authorizer/policy.ts';

const ARN = 'arn:aws:execute-api:us-east-1:000000000000:abcde12345/prod/$connect';
const one = (Effect: string, Resource: unknown, Action: unknown = 'execute-api:Invoke') => ({ Action, Effect, Resource });
const document = (...Statement: unknown[]) => ({ Version: '2012-10-17', Statement });

suite('a policy', () => {
  const rows: readonly (readonly [name: string, policy: unknown, verdict: 'allow' | 'deny' | 'malformed'])[] = [
    ['allows what it names', document(one('Allow', ARN)), 'allow'],
    ['allows what one of a list names', document(one('Allow', ['arn:other', ARN])), 'allow'],
    ['allows by a wildcard', document(one('Allow', '*')), 'allow'],
    ['allows by wildcards in the middle', document(one('Allow', 'arn:aws:execute-api:*:*:abcde12345/*/$connect')), 'allow'],
    ['allows by a wildcard for one character', document(one('Allow', ARN.replace('prod', 'pr?d'))), 'allow'],
    ['allows across slashes', document(one('Allow', 'arn:aws:execute-api:us-east-1:000000000000:abcde12345/*')), 'allow'],
    ['of REST APIs has a part too many', document(one('Allow', 'arn:aws:execute-api:us-east-1:000000000000:abcde12345/prod/*/*')), 'deny'],
    ['says nothing of others', document(one('Allow', ARN.replace('prod', 'dev'))), 'deny'],
    ['denies although it allows', document(one('Allow', '*'), one('Deny', ARN)), 'deny'],
    ['denies whatever comes after', document(one('Deny', '*'), one('Allow', ARN)), 'deny'],
    ['denies something else', document(one('Deny', 'arn:other'), one('Allow', ARN)), 'allow'],
    ['without statements denies', document(), 'deny'],
    ['may have one statement without a list', { Statement: one('Allow', '*') }, 'allow'],
    ['may name several actions', document(one('Allow', '*', ['s3:GetObject', 'execute-api:Invoke'])), 'allow'],
    ['may name actions by wildcards, in any case', document(one('Allow', '*', 'Execute-API:*')), 'allow'],
    ['of another action is none', document(one('Allow', '*', 'execute-api:ManageConnections')), 'deny'],
    ['is an object', 'Allow', 'malformed'],
    ['is there', undefined, 'malformed'],
    ['has statements', { Version: '2012-10-17' }, 'malformed'],
    ['has statements that are objects', document('Allow'), 'malformed'],
    ['has an effect', document({ Action: '*', Resource: '*' }), 'malformed'],
    ['has an effect that is known', document(one('allow', '*')), 'malformed'],
    ['has resources', document({ Action: '*', Effect: 'Allow' }), 'malformed'],
    ['has resources that are texts', document(one('Allow', [1])), 'malformed'],
    ['has actions that are texts', document(one('Allow', '*', {})), 'malformed'],
    ['with a condition is not understood', document({ ...one('Allow', '*'), Condition: { IpAddress: {} } }), 'malformed'],
    ['with NotResource is not understood', document({ Action: '*', Effect: 'Allow', NotResource: 'x' }), 'malformed'],
    ['with one bad statement lets nobody in', document(one('Allow', '*'), null), 'malformed'],
  ];
  for (const [name, policy, verdict] of rows) test(name, () => assert.equal(judge(policy, ARN).type, verdict));
});

suite('a wildcard', () => {
  test('is what a regular expression would make of it', () => {
    const alphabet = fc.constantFrom('a', 'b', '/', '$', '.', '*', '?');
    const texts = fc.string({ unit: alphabet, maxLength: 12 });
    fc.assert(
      fc.property(texts, texts, (text, pattern) => {
        const escaped = pattern.replaceAll(/[$.*?/]/g, (sign) => (sign === '*' ? '[^]*' : sign === '?' ? '[^]' : `\\${sign}`));
        assert.equal(isLike(text, pattern), new RegExp(`^${escaped}$`).test(text), `${text} ~ ${pattern}`);
      }),
      { numRuns: 2_000 },
    );
  });

  test('costs no more than both lengths, whatever the pattern', () => {
    const began = performance.now();
    assert.equal(isLike('a'.repeat(200), `${'*a'.repeat(4_000)}b`), false);
    assert.ok(performance.now() - began < 200);
  });
});
