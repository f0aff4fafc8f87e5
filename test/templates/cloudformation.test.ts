import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTemplate } from '../../src/templates/read.ts';
import { folderWith } from '../support/folder.ts';
import { identitySourceOf, NOTHING_SAID, read, routeTexts, targetText } from './reading.ts';

const SAM = `
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: { Type: String, Default: Prod }
  Secret: { Type: String }
  Sources: { Type: CommaDelimitedList, Default: 'route.request.header.Auth, route.request.querystring.t' }
Conditions:
  IsProd: !Equals [!Ref Stage, Prod]
  HasExtra: !And [!Condition IsProd, !Not [!Equals [!Ref 'AWS::Region', us-east-1]]]
Globals:
  Function:
    Runtime: nodejs22.x
    Timeout: 7
    Environment: { Variables: { TABLE: !Ref Table, SECRET: !Ref Secret } }
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: { Name: chat, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.message }
  Rest:
    Type: AWS::ApiGatewayV2::Api
    Properties: { Name: rest, ProtocolType: HTTP }
  ConnectRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: $connect
      AuthorizationType: CUSTOM
      AuthorizerId: !Ref Authorizer
      Target: !Join ['/', [integrations, !Ref ConnectIntegration]]
  ConnectIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      TimeoutInMillis: 5000
      IntegrationUri:
        Fn::Sub: arn:aws:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/\${Connect.Arn}/invocations
  SendRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: sendmessage
      RouteResponseSelectionExpression: $default
      RequestModels: { $default: Model }
      Target: !Sub integrations/\${SendIntegration}
  SendIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub
        - arn:aws:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/\${Fn}/invocations
        - { Fn: !GetAtt Send.Arn }
  MockRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Api, RouteKey: mock, Target: !Sub 'integrations/\${Mock}' }
  Mock:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { ApiId: !Ref Api, IntegrationType: MOCK }
  ExtraRoute:
    Type: AWS::ApiGatewayV2::Route
    Condition: HasExtra
    Properties: { ApiId: !Ref Api, RouteKey: extra, Target: !Sub 'integrations/\${SendIntegration}' }
  AliasRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Api, RouteKey: alias, Target: !Sub 'integrations/\${AliasIntegration}' }
  AliasIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      IntegrationType: AWS_PROXY
      IntegrationUri: !Join ['', ['arn:aws:apigateway:x:lambda:path/2015-03-31/functions/', !Ref Send.Alias, '/invocations']]
  OtherRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Api, RouteKey: other, Target: !Sub 'integrations/\${OtherIntegration}' }
  OtherIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { IntegrationType: AWS_PROXY, IntegrationUri: 'arn:aws:lambda:eu-west-1:123456789012:function:elsewhere:live' }
  HttpRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Api, RouteKey: http, Target: !Sub 'integrations/\${HttpIntegration}' }
  HttpIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { IntegrationType: HTTP_PROXY, IntegrationUri: 'https://\${stageVariables.host}/hook' }
  Authorizer:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref Api
      AuthorizerUri: !Sub arn:aws:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/\${Auth.Arn}/invocations
      IdentitySource: !Ref Sources
  ProdStage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: { ApiId: !Ref Api, StageName: !Ref Stage, StageVariables: { host: hooks.example.com }, DefaultRouteSettings: { ThrottlingRateLimit: 100 }, RouteSettings: { sendmessage: { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 9 } } }
  Mapping:
    Type: AWS::ApiGatewayV2::ApiMapping
    Properties: { ApiId: !Ref Api, DomainName: !Ref Domain, Stage: !Ref ProdStage }
  Domain:
    Type: AWS::ApiGatewayV2::DomainName
    Properties: { DomainName: ws.example.com }
  Connect:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: onconnect/
      Handler: app.handler
      Environment: { Variables: { ENDPOINT: !GetAtt Api.ApiEndpoint, STAGE: !If [IsProd, p, d], NOTHING: !Ref 'AWS::NoValue' } }
  Send:
    Type: AWS::Serverless::Function
    Properties: { CodeUri: ./send, Handler: dist/app.lambdaHandler, Timeout: 30, AutoPublishAlias: live }
    Metadata: { BuildMethod: esbuild }
  Auth:
    Type: AWS::Lambda::Function
    Properties: { Runtime: nodejs22.x, Handler: index.handler, Code: { ZipFile: 'exports.handler = async () => ({})' } }
  Table:
    Type: AWS::DynamoDB::Table
`;

const CODE = { 'onconnect/app.js': '', 'send/dist/app.mjs': '' };

test('a SAM template is read: routes, integrations, authorizer, stage, domain, conditions, parameters, functions with their globals', async (t) => {
  const { api, apis, notes, folder } = await read(t, { 'template.yaml': SAM, ...CODE }, { parameters: new Map([['Secret', 'x']]) });
  assert.equal(apis.length, 1, 'an HTTP API is none of ours');
  assert.deepEqual(routeTexts(api, folder), {
    $connect: 'Connect: onconnect/app.js handler',
    sendmessage: 'Send: send/dist/app.mjs lambdaHandler',
    mock: 'mock',
    alias: 'Send: send/dist/app.mjs lambdaHandler',
    other: 'arn:aws:lambda:eu-west-1:123456789012:function:elsewhere:live',
    http: 'https://${stageVariables.host}/hook',
  });
  assert.equal(targetText(api.authorizer?.target ?? undefined, folder), 'Auth: inline');
  assert.deepEqual(identitySourceOf(api), ['route.request.header.Auth', 'route.request.querystring.t']);
  assert.equal(api.stage, 'Prod');
  assert.deepEqual(api.stageVariables, { host: 'hooks.example.com' });
  assert.equal(api.domainName, 'ws.example.com');
  assert.equal(api.routeSelectionExpression, '$request.body.message');
  assert.equal(api.routes.get('$connect')?.integrationTimeoutMs, 5_000);
  assert.equal(api.routes.get('sendmessage')?.hasResponse, true);
  assert.deepEqual(api.routes.get('sendmessage')?.throttle, { rate: 5, burst: 9 });
  assert.deepEqual(api.routes.get('alias')?.throttle, { rate: 100, burst: null });
  const target = api.routes.get('$connect')?.target;
  assert.ok(target?.type === 'function');
  assert.equal(target.function.timeoutMs, 7_000);
  assert.deepEqual(target.function.environment, {
    TABLE: 'Table',
    SECRET: 'x',
    ENDPOINT: `wss://${api.apiId}.execute-api.us-east-1.amazonaws.com`,
    STAGE: 'p',
  });
  assert.deepEqual(
    notes.map((note) => note.replace(/^.*template\.yaml:\d+: /, '')),
    [
      'Resources.SendRoute.Properties.RequestModels: messages are not checked against models',
      'Resources.Mock.Properties.IntegrationType: it answers 200 without a body, whatever its templates say',
      'Resources.HttpIntegration.Properties.IntegrationType: the URL gets the whole event as JSON, not the bare message',
    ],
  );
});

test('a condition is judged by region and parameters; a parameter without a value is told with its line', async (t) => {
  const { api, notes, folder } = await read(t, { 'template.yaml': SAM, ...CODE }, { region: 'eu-west-1' });
  assert.equal(routeTexts(api, folder)['extra'], 'Send: send/dist/app.mjs lambdaHandler');
  assert.match(
    notes.join('\n'),
    /template\.yaml:15: Globals\.Function\.Environment\.Variables\.SECRET: its value is not known here: parameter Secret has no default; give it by --parameter Secret=…/,
  );
});

const hostIn = ({ api }: Awaited<ReturnType<typeof read>>): string | undefined => {
  const target = api.routes.get('$connect')?.target;
  return target?.type === 'function' ? target.function.environment['HOST'] : undefined;
};

test('what the account has stored is not known here, but by its name', async (t) => {
  const template = {
    'template.json': JSON.stringify({
      Parameters: { Host: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/prod/host' } },
      Resources: {
        Chat: {
          Type: 'AWS::Serverless::WebSocketApi',
          Properties: { Routes: { $connect: { FunctionArn: { 'Fn::GetAtt': ['F', 'Arn'] } } } },
        },
        F: {
          Type: 'AWS::Serverless::Function',
          Properties: { Runtime: 'nodejs22.x', InlineCode: 'x', Environment: { Variables: { HOST: { Ref: 'Host' } } } },
        },
      },
    }),
  };
  const unknown = await read(t, template);
  assert.equal(hostIn(unknown), undefined);
  assert.match(unknown.notes.join(), /parameter Host is in the account's Parameter Store; give it by --parameter Host=…/);
  assert.equal(hostIn(await read(t, template, { parameters: new Map([['Host', 'h']]) })), 'h');
});

test("SAM's WebSocketApi is read with its routes, authorizer and stage", async (t) => {
  const { api, folder } = await read(t, {
    'template.yaml': `
Transform: AWS::Serverless-2016-10-31
Resources:
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: live
      StageVariables: { a: b }
      Auth: { AuthType: CUSTOM, AuthArn: !GetAtt Auth.Arn, IdentitySource: [route.request.header.Authorization] }
      Routes:
        $connect: { FunctionArn: !GetAtt Connect.Arn, IntegrationTimeout: 1000 }
        send: { FunctionArn: !GetAtt Connect.Arn, RouteResponseSelectionExpression: $default }
  Connect:
    Type: AWS::Serverless::Function
    Properties: { Runtime: nodejs22.x, CodeUri: ., Handler: app.handler, Environment: { Variables: { STAGE: !Ref Chat.Stage } } }
  Auth: { Type: AWS::Serverless::Function, Properties: { Runtime: python3.12, CodeUri: ., Handler: auth.handler } }
`,
    'app.js': '',
  });
  assert.deepEqual(routeTexts(api, folder), { $connect: 'Connect: app.js handler', send: 'Connect: app.js handler' });
  assert.equal(api.stage, 'live');
  assert.equal(api.routes.get('$connect')?.integrationTimeoutMs, 1_000);
  assert.equal(api.routes.get('send')?.hasResponse, true);
  assert.equal(targetText(api.authorizer?.target ?? undefined, folder), 'Auth: foreign');
  const target = api.routes.get('send')?.target;
  assert.ok(target?.type === 'function');
  assert.deepEqual(target.function.environment, { STAGE: 'live' });
});

test('of several stages the one that is asked for is taken, else the first, which is told', async (t) => {
  const template = {
    'template.json': JSON.stringify({
      Resources: {
        Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'WEBSOCKET' } },
        A: { Type: 'AWS::ApiGatewayV2::Stage', Properties: { ApiId: { Ref: 'Api' }, StageName: 'a' } },
        B: { Type: 'AWS::ApiGatewayV2::Stage', Properties: { ApiId: { Ref: 'Api' }, StageName: 'b', StageVariables: { x: 'y' } } },
      },
    }),
  };
  const first = await read(t, template);
  assert.equal(first.api.stage, 'a');
  assert.match(first.notes.join('\n'), /several stages \(a, b\); the first was taken, --stage NAME takes another/);
  const second = await read(t, template, { stage: 'b' });
  assert.deepEqual([second.api.stage, second.api.stageVariables, second.notes], ['b', { x: 'y' }, []]);
});

const HASH = 'a'.repeat(64);
const CDK_STACK = {
  Resources: {
    ApiF70053CD: {
      Type: 'AWS::ApiGatewayV2::Api',
      Properties: { Name: 'chat', ProtocolType: 'WEBSOCKET', RouteSelectionExpression: '$request.body.action' },
    },
    Route: {
      Type: 'AWS::ApiGatewayV2::Route',
      Properties: {
        ApiId: { Ref: 'ApiF70053CD' },
        AuthorizationType: 'NONE',
        RouteKey: '$connect',
        Target: { 'Fn::Join': ['', ['integrations/', { Ref: 'Integration' }]] },
      },
    },
    Integration: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        ApiId: { Ref: 'ApiF70053CD' },
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: {
          'Fn::Join': [
            '',
            [
              'arn:',
              { Ref: 'AWS::Partition' },
              ':apigateway:',
              { Ref: 'AWS::Region' },
              ':lambda:path/2015-03-31/functions/',
              { 'Fn::GetAtt': ['Handler886CB40B', 'Arn'] },
              '/invocations',
            ],
          ],
        },
      },
    },
    Stage: { Type: 'AWS::ApiGatewayV2::Stage', Properties: { ApiId: { Ref: 'ApiF70053CD' }, StageName: 'prod', AutoDeploy: true } },
    Handler886CB40B: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Code: { S3Bucket: { 'Fn::Sub': 'cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}' }, S3Key: `${HASH}.zip` },
        Environment: {
          Variables: { TABLE: { 'Fn::ImportValue': 'Tables:ExportsOutputRefTable1234' }, OTHER: { 'Fn::ImportValue': 'Unknown' } },
        },
        Handler: 'index.handler',
        Runtime: 'nodejs22.x',
      },
    },
  },
};
const CDK = {
  'cdk.out/manifest.json': JSON.stringify({
    version: '36.0.0',
    artifacts: {
      Tables: { type: 'aws:cloudformation:stack', properties: { templateFile: 'Tables.template.json' } },
      Chat: { type: 'aws:cloudformation:stack', properties: { templateFile: 'Chat.template.json' } },
      'Chat.assets': { type: 'cdk:asset-manifest', properties: { file: 'Chat.assets.json' } },
      Tree: { type: 'cdk:tree', properties: { file: 'tree.json' } },
    },
  }),
  'cdk.out/Chat.template.json': JSON.stringify(CDK_STACK),
  'cdk.out/Chat.assets.json': JSON.stringify({
    version: '36.0.0',
    files: { [HASH]: { source: { path: `asset.${HASH}`, packaging: 'zip' } } },
  }),
  'cdk.out/Tables.template.json': JSON.stringify({
    Resources: { Table1234: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: 'connections' } } },
    Outputs: { ExportsOutputRefTable1234: { Value: { Ref: 'Table1234' }, Export: { Name: 'Tables:ExportsOutputRefTable1234' } } },
  }),
  [`cdk.out/asset.${HASH}/index.js`]: '',
};

test("the CDK's folder is read: assets by their hash, and what one stack takes from another", async (t) => {
  const at = await folderWith(t, CDK);
  for (const path of [`${at}/cdk.out`, `${at}/cdk.out/Chat.template.json`]) {
    const { apis, notes } = await readTemplate(path, NOTHING_SAID);
    const [api] = apis;
    assert.ok(api !== undefined);
    assert.deepEqual(routeTexts(api, at), { $connect: `Handler886CB40B: cdk.out/asset.${HASH}/index.js handler` });
    assert.equal(api.stage, 'prod');
    const target = api.routes.get('$connect')?.target;
    assert.ok(target?.type === 'function');
    const isWhole = path.endsWith('cdk.out');
    assert.deepEqual(target.function.environment, isWhole ? { TABLE: 'connections' } : {});
    assert.equal(notes.length, isWhole ? 1 : 2, notes.join('\n'));
    assert.match(notes.join('\n'), /OTHER: its value is not known here: it is imported from another stack \(Unknown\)/);
  }
});

test('what Serverless packed for the account is read: its code lies above the build folder', async (t) => {
  const packed = structuredClone(CDK_STACK) as { Resources: { Handler886CB40B: { Properties: { Handler: string } } } };
  packed.Resources.Handler886CB40B.Properties.Handler = 'src/connect.handler';
  const { api, folder } = await read(t, {
    '.serverless/cloudformation-template-update-stack.json': JSON.stringify(packed),
    'src/connect.js': '',
  });
  assert.deepEqual(routeTexts(api, folder), { $connect: 'Handler886CB40B: src/connect.js handler' });
});
