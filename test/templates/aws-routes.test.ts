import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { awsRoutes } from '../../src/templates/aws-routes.ts';
import { routesText } from '../../src/templates/routes-text.ts';
import { read } from './reading.ts';

const TWO = `
Resources:
  A: { Type: AWS::ApiGatewayV2::Api, Properties: { ProtocolType: WEBSOCKET } }
  B: { Type: AWS::ApiGatewayV2::Api, Properties: { ProtocolType: WEBSOCKET } }
  AStage: { Type: AWS::ApiGatewayV2::Stage, Properties: { ApiId: !Ref A, StageName: prod, StageVariables: { host: h } } }
  BStage: { Type: AWS::ApiGatewayV2::Stage, Properties: { ApiId: !Ref B, StageName: prod } }
  AConnect: { Type: AWS::ApiGatewayV2::Route, Properties: { ApiId: !Ref A, RouteKey: $connect, AuthorizationType: CUSTOM, AuthorizerId: !Ref Auth, Target: !Sub 'integrations/\${I}' } }
  ASend: { Type: AWS::ApiGatewayV2::Route, Properties: { ApiId: !Ref A, RouteKey: send, RouteResponseSelectionExpression: $default, Target: !Sub 'integrations/\${J}' } }
  BDefault: { Type: AWS::ApiGatewayV2::Route, Properties: { ApiId: !Ref B, RouteKey: $default, Target: !Sub 'integrations/\${K}' } }
  I: { Type: AWS::ApiGatewayV2::Integration, Properties: { IntegrationType: AWS_PROXY, TimeoutInMillis: 5000, IntegrationUri: !GetAtt Node.Arn } }
  J: { Type: AWS::ApiGatewayV2::Integration, Properties: { IntegrationType: HTTP_PROXY, IntegrationUri: 'https://\${stageVariables.host}/x' } }
  K: { Type: AWS::ApiGatewayV2::Integration, Properties: { IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt PythonOne.Arn } }
  Auth: { Type: AWS::ApiGatewayV2::Authorizer, Properties: { AuthorizerUri: 'arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:1:function:auth:live/invocations' } }
  Node:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: chat-node
      Runtime: nodejs22.x
      Handler: app.handler
      Environment: { Variables: { API: !Sub 'https://\${A}.execute-api.\${AWS::Region}.amazonaws.com/prod', X: '1' } }
  PythonOne: { Type: AWS::Lambda::Function, Properties: { Runtime: python3.12, Handler: app.handler } }
`;

test('a routes file has a route for each API: modules, emulators, functions elsewhere, webhooks', async (t) => {
  const { apis, folder } = await read(t, { 'template.yaml': TWO, 'app.js': '' });
  const { routes, notes } = awsRoutes(apis, {
    targets: 'module',
    region: undefined,
    domainName: 'gw.example.com:8443',
    folder: join(folder, 'x'),
  });
  const [a, b] = apis;
  assert.deepEqual(parse(routesText(routes, ['one', 'two'])), {
    routes: [
      {
        path: '/prod',
        dialect: 'aws',
        stage: 'prod',
        domainName: 'gw.example.com:8443',
        apiId: a?.apiId,
        routeSelectionExpression: '$request.body.action',
        routes: {
          $connect: {
            target: {
              type: 'module',
              file: '../app.js',
              export: 'handler',
              function: 'chat-node',
              directory: '..',
              timeoutMs: 3_000,
              env: { API: 'https://gw.example.com:8443/prod', X: '1' },
            },
            timeoutMs: 5_000,
          },
          send: { target: { type: 'webhook', url: 'https://${stageVariables.host}/x' }, routeResponse: true },
        },
        stageVariables: { host: 'h' },
        authorizer: {
          target: { type: 'lambda', function: 'arn:aws:lambda:eu-west-1:1:function:auth', qualifier: 'live', region: 'eu-west-1' },
          identitySource: ['route.request.header.Authorization'],
        },
        openTimeoutMs: 29_000,
      },
      {
        path: `/${b?.apiId}/prod`,
        dialect: 'aws',
        stage: 'prod',
        domainName: 'gw.example.com:8443',
        apiId: b?.apiId,
        routeSelectionExpression: '$request.body.action',
        routes: { $default: { target: { type: 'rie', url: 'http://python-one:8080' } } },
        openTimeoutMs: 29_000,
      },
    ],
  });
  assert.deepEqual(
    notes.map((note) => note.replace(`${folder}/`, '')),
    [
      'A: arn:aws:lambda:eu-west-1:1:function:auth:live is no function of the template: it is called on AWS',
      `B: another API has the path /prod, so its clients connect to /${b?.apiId}/prod`,
      "template.yaml:21: PythonOne: its runtime is python3.12, and only Node's handlers run here; run its image with the Lambda emulator at http://python-one:8080, or write where it is",
    ],
  );
});

test('the functions may stay in the account, or run in emulators', async (t) => {
  const { apis, folder } = await read(t, { 'template.yaml': TWO, 'app.js': '' });
  const targetsOf = (targets: 'lambda' | 'rie'): unknown[] => {
    const { routes } = awsRoutes(apis, { targets, region: 'eu-west-1', domainName: undefined, folder });
    return (routes as unknown as { routes: Record<string, { target: unknown }> }[]).flatMap((route) =>
      Object.values(route.routes).map(({ target }) => target),
    );
  };
  assert.deepEqual(targetsOf('lambda'), [
    { type: 'lambda', function: 'chat-node', region: 'eu-west-1' },
    { type: 'webhook', url: 'https://${stageVariables.host}/x' },
    { type: 'lambda', function: 'PythonOne', region: 'eu-west-1' },
  ]);
  assert.deepEqual(targetsOf('rie'), [
    { type: 'rie', url: 'http://node:8080' },
    { type: 'webhook', url: 'https://${stageVariables.host}/x' },
    { type: 'rie', url: 'http://python-one:8080' },
  ]);
});

test("the API's own host in a variable is told where nobody says ours", async (t) => {
  const { apis, folder } = await read(t, { 'template.yaml': TWO, 'app.js': '' });
  const { notes } = awsRoutes(apis, { targets: 'module', region: undefined, domainName: undefined, folder });
  assert.ok(notes.includes("API names the API's own host; say ours by --domain-name"), notes.join('\n'));
});
