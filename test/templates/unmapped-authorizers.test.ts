import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { awsRoutes, type AwsRoutes } from '../../src/templates/aws-routes.ts';
import { routesText } from '../../src/templates/routes-text.ts';
import { startApp } from '../support/app.ts';
import { connect, refusal } from '../support/client.ts';
import { read } from './reading.ts';

const cloudFormation = (route: string): string => `
Resources:
  A: { Type: AWS::ApiGatewayV2::Api, Properties: { ProtocolType: WEBSOCKET } }
  Stage: { Type: AWS::ApiGatewayV2::Stage, Properties: { ApiId: !Ref A, StageName: dev } }
  Connect: { Type: AWS::ApiGatewayV2::Route, Properties: { ApiId: !Ref A, RouteKey: $connect, ${route} Target: !Sub 'integrations/\${I}' } }
  I: { Type: AWS::ApiGatewayV2::Integration, Properties: { IntegrationType: MOCK } }
`;
const sam = (auth: string): string => `
Resources:
  A:
    Type: AWS::Serverless::WebSocketApi
    Properties: { StageName: dev, ${auth} Routes: { $connect: { FunctionArn: !GetAtt F.Arn } } }
  F: { Type: AWS::Serverless::Function, Properties: { Runtime: nodejs22.x, CodeUri: ., Handler: app.handler } }
`;
const serverless = (authorizer: string): string => `
service: s
provider: { name: aws, runtime: nodejs22.x }
functions: { a: { handler: app.handler, events: [ websocket: { route: $connect${authorizer} } ] } }
`;
/** The routes file, where its modules are looked for. */
async function written(folder: string, { routes }: Pick<AwsRoutes, 'routes'>): Promise<string> {
  const path = join(folder, 'routes.yaml');
  await writeFile(path, routesText(routes, []));
  return path;
}

const HANDLER = { 'app.js': 'exports.handler = async () => ({ statusCode: 200 });\n' };

const UNMAPPED: Readonly<Record<string, [file: string, template: string, said: RegExp]>> = {
  'IAM in CloudFormation': ['t.yaml', cloudFormation('AuthorizationType: AWS_IAM,'), /signatures of clients are not checked here/],
  'a kind that AWS may invent': ['t.yaml', cloudFormation('AuthorizationType: PASSKEY,'), /PASSKEY is not checked here/],
  'an authorizer of elsewhere': [
    't.yaml',
    cloudFormation('AuthorizationType: CUSTOM, AuthorizerId: !ImportValue Auth,'),
    /of this template was wanted/,
  ],
  'IAM in SAM': ['t.yaml', sam('Auth: { AuthType: AWS_IAM },'), /signatures of clients are not checked here/],
  'SAM without a function': ['t.yaml', sam('Auth: { AuthType: CUSTOM, AuthArn: !ImportValue Auth },'), /the ARN of a function was wanted/],
  'IAM in Serverless': ['serverless.yml', serverless(', authorizer: aws_iam'), /a function or its ARN was wanted/],
  'Serverless without a function': [
    'serverless.yml',
    serverless(', authorizer: { identitySource: route.request.header.Auth }'),
    /a function or its ARN was wanted/,
  ],
};

for (const [what, [file, template, said]] of Object.entries(UNMAPPED)) {
  test(`where an authorizer cannot be mapped (${what}) nobody may connect, and it is said; while developing everybody may`, async (t) => {
    const { apis, folder, notes } = await read(t, { [file]: template, ...HANDLER });
    assert.match(notes.join('\n'), said);
    const options = { targets: 'module', region: undefined, domainName: undefined, folder } as const;
    const closed = awsRoutes(apis, options);
    assert.match(
      closed.notes.join('\n'),
      /:\d+: \S+: its authorizer is not mapped: nobody may connect until the routes file says by `authorizer` who decides/,
    );
    const gateway = await startApp(t, { ROUTES_FILE: await written(folder, closed) });
    assert.equal((await refusal(t, `${gateway.wsUrl}/dev`)).status, 500);
    const open = awsRoutes(apis, { ...options, isOpen: true });
    assert.match(open.notes.join('\n'), /everybody may connect/);
    assert.ok(open.routes.every((route) => !('authorizer' in route)));
  });
}

test('where a template has no authorizer, or says NONE, everybody may connect', async (t) => {
  for (const template of [cloudFormation(''), cloudFormation('AuthorizationType: NONE,')]) {
    const { apis, folder } = await read(t, { 't.yaml': template });
    const { routes, notes } = awsRoutes(apis, { targets: 'module', region: undefined, domainName: undefined, folder });
    assert.deepEqual(notes, []);
    const gateway = await startApp(t, { ROUTES_FILE: await written(folder, { routes }) });
    (await connect(t, `${gateway.wsUrl}/dev`)).ws.terminate();
  }
});
