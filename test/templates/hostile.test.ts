import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseText } from '../../src/templates/parse.ts';
import { variablesIn } from '../../src/templates/serverless/expressions.ts';
import { read } from './reading.ts';

const SERVERLESS =
  'provider: { name: aws }\nfunctions: { a: { handler: a.handler, environment: { A: "${self:custom.a}" }, events: [ websocket: $connect ] } }\n';

const ENDLESS: Readonly<Record<string, Record<string, string>>> = {
  'variables in a circle': { 'serverless.yml': `service: s\n${SERVERLESS}custom: { a: "\${self:custom.b}", b: "\${self:custom.a}" }\n` },
  'variables that double': {
    'serverless.yml': `service: s\n${SERVERLESS}custom:\n  a: \${self:custom.b1}\n${Array.from({ length: 40 }, (_, index) => `  b${index + 1}: \${self:custom.b${index + 2}}\${self:custom.b${index + 2}}\n`).join('')}  b41: x\n`,
  },
  'a stage that is itself': { 'serverless.yml': `service: s\n${SERVERLESS}custom: { a: "\${self:custom.\${self:custom.a}}" }\n` },
  'names in a circle': {
    'template.yaml': resources(
      'A: { Type: AWS::DynamoDB::Table, Properties: { TableName: !Ref B } }',
      'B: { Type: AWS::DynamoDB::Table, Properties: { TableName: !Ref A } }',
    ),
  },
  'names that double': {
    'template.yaml': resources(
      'A: { Type: AWS::DynamoDB::Table, Properties: { TableName: !Ref N1 } }',
      ...Array.from(
        { length: 40 },
        (_, index) => `N${index + 1}: { Type: AWS::DynamoDB::Table, Properties: { TableName: !Sub "\${N${index + 2}}\${N${index + 2}}" } }`,
      ),
    ),
  },
};

function resources(...lines: readonly string[]): string {
  return `Resources:\n  Api: { Type: AWS::ApiGatewayV2::Api, Properties: { ProtocolType: WEBSOCKET } }
  R: { Type: AWS::ApiGatewayV2::Route, Properties: { ApiId: !Ref Api, RouteKey: $connect, Target: !Sub "integrations/\${I}" } }
  I: { Type: AWS::ApiGatewayV2::Integration, Properties: { IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt F.Arn } }
  F: { Type: AWS::Lambda::Function, Properties: { Runtime: nodejs22.x, Handler: a.handler, Environment: { Variables: { A: !Ref A } } } }
  ${lines.join('\n  ')}\n`;
}

for (const [what, files] of Object.entries(ENDLESS)) {
  test(`a template with ${what} is refused with its place, and soon`, async (t) => {
    const start = performance.now();
    await assert.rejects(read(t, files), /:\d+: .*(refers? to (itself|themselves)), or grow/);
    assert.ok(performance.now() - start < 2_000);
  });
}

test('aliases that multiply cost nothing, and YAML that nests without end is refused', () => {
  const bomb = `a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n${Array.from({ length: 9 }, (_, index) => `a${index + 1}: &a${index + 1} [${`*a${index}, `.repeat(10).slice(0, -2)}]\n`).join('')}`;
  const start = performance.now();
  parseText(bomb, 'bomb.yml');
  assert.ok(performance.now() - start < 500, 'an alias stands for the value itself');
  assert.throws(() => parseText('a: &a [*a]', 'self.yml'), /self\.yml:1: no anchor called a is above it/);
  assert.throws(
    () => parseText(`a: ${'['.repeat(400)}${']'.repeat(400)}`, 'deep.yml'),
    /deep\.yml:1: at most 500000 values, nested at most 200 deep/,
  );
});

test('mistakes of YAML are told with their lines, all at once', () => {
  assert.throws(
    () => parseText('a: 1\na: 2\nb: [1\n', 'bad.yml'),
    (error: Error) => {
      assert.match(error.message, /^bad\.yml:2: .*unique/im);
      assert.match(error.message, /^bad\.yml:[34]: /m);
      return true;
    },
  );
});

test('variables are found in a time that is linear in the text', () => {
  const start = performance.now();
  assert.deepEqual(variablesIn('${'.repeat(20_000)), []);
  variablesIn('${self:'.repeat(20_000));
  variablesIn(`${'${A'.repeat(20_000)}${'}'.repeat(20_000)}`);
  variablesIn("${self:a, '".repeat(20_000));
  variablesIn(`${'${A}'.repeat(20_000)}\${self:x}`);
  assert.ok(performance.now() - start < 1_000);
});

test('a variable has its sources, split where commas are its own', () => {
  const text = 'a ${opt:x, \'one, two\', ${self:c, "}"}, file(a.yml):b} ${AWS::Region} ${Logical.Arn} ${env:Y}';
  assert.deepEqual(
    variablesIn(text).map(({ start, end, sources }) => [text.slice(start, end).slice(0, 7), sources]),
    [
      ['${opt:x', ['opt:x', "'one, two'", '${self:c, "}"}', 'file(a.yml):b']],
      ['${env:Y', ['env:Y']],
    ],
  );
});

test('a file that is no template is told what was wanted', async (t) => {
  await assert.rejects(read(t, { 'a.yml': 'hello: world\n' }), /a\.yml:1: a serverless\.yml, a SAM or CloudFormation template/);
  await assert.rejects(read(t, { 'a.yml': '' }), /a\.yml:1: a serverless\.yml/);
  await assert.rejects(read(t, { 'a.yml': '- 1\n' }), /a\.yml:1: a serverless\.yml/);
});
