import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { array, assert as holds, asyncProperty, constantFrom, dictionary, letrec, oneof, property, string } from 'fast-check';
import { parse } from 'yaml';
import { awsRoutes } from '../../src/templates/aws-routes.ts';
import { TemplateError } from '../../src/templates/notes.ts';
import { parseText } from '../../src/templates/parse.ts';
import { readTemplate } from '../../src/templates/read.ts';
import { routesText } from '../../src/templates/routes-text.ts';
import { folderWith } from '../support/folder.ts';
import { NOTHING_SAID } from './reading.ts';

const RUNS = 300;

/** Words at which the readers look twice. */
const WORDS =
  'service provider functions custom resources Resources events websocket route authorizer name handler Type Properties ApiId RouteKey Target IntegrationUri IntegrationType ProtocolType Parameters Conditions Default Ref Fn::Sub Fn::Join Fn::GetAtt Fn::If Fn::Select Fn::Split Fn::FindInMap Condition Globals Function A B'.split(
    ' ',
  );
const TEXTS = [
  'AWS::ApiGatewayV2::Api',
  'AWS::ApiGatewayV2::Route',
  'AWS::ApiGatewayV2::Integration',
  'AWS::Serverless::WebSocketApi',
  'AWS::Lambda::Function',
  'WEBSOCKET',
  '$connect',
  'integrations/B',
  '${self:custom.A}',
  '${A}',
  '${A.Arn}',
  "${opt:x, 'y'}",
  '${file(a.yml):b}',
  '${self:',
  "${env:Z, '",
  'A',
  'B',
];

/** Each means something in YAML. */
const SIGNS = '{ } [ ] : , - ? ! & * # | > % @ ` " \' \\ \n \t <'.split(' ').concat(' ');

const template = letrec<{ value: unknown; map: unknown; list: unknown }>((tie) => ({
  value: oneof({ maxDepth: 5 }, constantFrom(...TEXTS), constantFrom(true, null, 1, ''), tie('map'), tie('list')),
  map: dictionary(constantFrom(...WORDS), tie('value'), { maxKeys: 6 }),
  list: array(tie('value'), { maxLength: 4 }),
}));

test('whatever stands in a template, it is read or refused with its place; what is printed of it is YAML', async (t) => {
  const folder = await folderWith(t, { 'a.yml': 'b: "${self:custom.B}"\n' });
  const file = join(folder, 'template.json');
  let read = 0;
  await holds(
    asyncProperty(template.map, constantFrom('service', 'Resources'), async (content, kind) => {
      await writeFile(file, JSON.stringify({ [kind]: {}, ...(content as object) }));
      try {
        const { apis } = await readTemplate(file, NOTHING_SAID);
        const { routes } = awsRoutes(apis, { targets: 'module', region: undefined, domainName: undefined, folder });
        assert.equal((parse(routesText(routes, [])) as { routes: unknown[] }).routes.length, apis.length);
        read += 1;
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
        assert.match(error.message, /template\.json:\d+: /);
      }
    }),
    { numRuns: RUNS },
  );
  assert.ok(read > RUNS / 2, `${read} of ${RUNS} were read`);
});

test('whatever the bytes of a file are, they are read or refused with a line', () => {
  holds(
    property(oneof(string({ unit: 'binary' }), string({ unit: constantFrom(...SIGNS) })), (text) => {
      try {
        parseText(text, 'x.yml');
      } catch (error) {
        assert.ok(error instanceof TemplateError, String(error));
        assert.match(error.message, /^x\.yml:\d+: /);
      }
    }),
    { numRuns: RUNS / 4 },
  );
});
