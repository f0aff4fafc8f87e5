import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identitySourceOf, read, routeTexts, targetText } from './reading.ts';

const CHAT = `
service: chat
useDotenv: true
provider:
  name: aws
  runtime: nodejs22.x
  stage: \${opt:stage, 'dev'}
  region: eu-central-1
  websocketsApiName: \${self:service}-\${self:provider.stage}
  websocketsApiRouteSelectionExpression: $request.body.type
  environment:
    TABLE: \${self:custom.table}
    API: !Sub https://\${WebsocketsApi}.execute-api.\${AWS::Region}.amazonaws.com/\${self:provider.stage}
    QUEUE: !Ref Jobs
    TABLE_ARN: !GetAtt Connections.Arn
    SECRET: \${env:SECRET, 'none'}
    FROM_ACCOUNT: \${ssm:/chat/key}
custom:
  table: \${self:service}-connections-\${sls:stage}
functions:
  connect:
    handler: src/connect.handler
    events:
      - websocket:
          route: $connect
          authorizer: { name: auth, identitySource: ['route.request.querystring.token'] }
  chat-room:
    handler: src/chat.handlers.send
    timeout: 20
    environment: { TABLE: other }
    events:
      - websocket: $default
      - websocket: { route: ping, routeResponseSelectionExpression: $default }
      - http: { path: /, method: get }
  auth:
    handler: src/auth.handler
  untouched:
    handler: src/nowhere.handler
resources:
  Resources:
    Connections: { Type: AWS::DynamoDB::Table, Properties: { TableName: '\${self:custom.table}' } }
    Jobs: { Type: AWS::SQS::Queue, Properties: { QueueName: jobs } }
`;

const CODE = { 'src/connect.js': '', 'src/chat.ts': '', 'src/auth.mjs': '' };

test('a serverless.yml is read: routes, authorizer, selection, stage, time-outs and the environment of functions', async (t) => {
  const { api, notes, folder } = await read(t, { 'serverless.yml': CHAT, ...CODE });
  assert.deepEqual(routeTexts(api, folder), {
    $connect: 'connect: src/connect.js handler',
    $default: 'chat-room: src/chat.ts handlers.send',
    ping: 'chat-room: src/chat.ts handlers.send',
  });
  assert.deepEqual(
    [...api.routes.values()].map(({ hasResponse }) => hasResponse),
    [false, false, true],
  );
  assert.equal(api.name, 'chat-dev');
  assert.equal(api.stage, 'dev');
  assert.equal(api.routeSelectionExpression, '$request.body.type');
  assert.equal(targetText(api.authorizer?.target ?? undefined, folder), 'auth: src/auth.mjs handler');
  assert.deepEqual(identitySourceOf(api), ['route.request.querystring.token']);
  const target = api.routes.get('$default')?.target;
  assert.ok(target?.type === 'function');
  assert.deepEqual(target.function.environment, {
    TABLE: 'other',
    API: `https://${api.apiId}.execute-api.eu-central-1.amazonaws.com/dev`,
    QUEUE: 'https://sqs.eu-central-1.amazonaws.com/000000000000/jobs',
    TABLE_ARN: 'arn:aws:dynamodb:eu-central-1:000000000000:table/chat-connections-dev',
    SECRET: 'none',
  });
  assert.equal(target.function.timeoutMs, 20_000);
  assert.equal(target.function.functionName, 'chat-dev-chat-room');
  assert.deepEqual(
    notes.map((note) => note.replace(folder, '')),
    [
      '/serverless.yml:17: provider.environment.FROM_ACCOUNT: ${ssm:/chat/key} has no value here: ssm is asked elsewhere, which is not done here',
    ],
  );
});

test('stage, options and the environment of the shell are what the template asks for', async (t) => {
  const { api } = await read(t, { 'serverless.yml': CHAT, ...CODE }, { stage: 'prod', environment: { SECRET: 's3' } });
  const target = api.routes.get('$connect')?.target;
  assert.ok(target?.type === 'function');
  assert.equal(api.stage, 'prod');
  assert.equal(target.function.environment['TABLE'], 'chat-connections-prod');
  assert.equal(target.function.environment['SECRET'], 's3');
});

test('useDotenv reads .env, and that of the stage over it, under the variables of the shell', async (t) => {
  const files = { 'serverless.yml': CHAT, '.env': 'SECRET=plain\nOTHER=1\n', '.env.prod': 'SECRET="of prod"\n', ...CODE };
  const secretIn = async (stage: string, environment = {}): Promise<string | undefined> => {
    const { api } = await read(t, files, { stage, environment });
    const target = api.routes.get('$connect')?.target;
    return target?.type === 'function' ? target.function.environment['SECRET'] : undefined;
  };
  assert.deepEqual(await Promise.all([secretIn('dev'), secretIn('prod'), secretIn('prod', { SECRET: 'of the shell' })]), [
    'plain',
    'of prod',
    'of the shell',
  ]);
});

test('parts of a template lie in other files, whole ones and single values; paths of handlers stay those of the template', async (t) => {
  const { api, folder, files, notes } = await read(t, {
    'serverless.yml': `
service: { name: split }
provider: { name: aws, runtime: nodejs22.x, environment: '\${file(config/env.json):\${opt:stage, "dev"}}' }
functions:
  - \${file(./functions/chat.yml)}
  - extra: { handler: extra.handler, events: [ { websocket: { route: extra } } ] }
custom: \${file(config/custom.yml)}
`,
    'functions/chat.yml':
      'connect: { handler: src/connect.handler, events: [ { websocket: "$connect" } ], timeout: "${self:custom.limits.connect}" }',
    'config/env.json': '{ "dev": { "WHERE": "${self:custom.where}" }, "prod": {} }',
    'config/custom.yml': 'where: here\nlimits: { connect: 11 }\n',
    'src/connect.js': '',
    'extra.cjs': '',
  });
  assert.deepEqual(routeTexts(api, folder), { $connect: 'connect: src/connect.js handler', extra: 'extra: extra.cjs handler' });
  const target = api.routes.get('$connect')?.target;
  assert.ok(target?.type === 'function');
  assert.deepEqual(target.function.environment, { WHERE: 'here' });
  assert.equal(target.function.timeoutMs, 11_000);
  assert.deepEqual(notes, []);
  assert.deepEqual(files.map((file) => file.replace(`${folder}/`, '')).toSorted(), [
    'config/custom.yml',
    'config/env.json',
    'functions/chat.yml',
    'serverless.yml',
  ]);
});

test('anchors, merged maps and serverless.json are read as well', async (t) => {
  const yaml = await read(t, {
    'serverless.yml': `
service: merged
provider: { name: aws, runtime: nodejs22.x }
x: &base { handler: a.handler, timeout: 9 }
functions:
  a: { <<: *base, events: [ websocket: "$connect" ] }
`,
    'a.js': '',
  });
  const target = yaml.api.routes.get('$connect')?.target;
  assert.equal(target?.type === 'function' && target.function.timeoutMs, 9_000);
  const json = await read(t, {
    'serverless.json':
      '{\n\t"service": "j",\n\t"provider": { "name": "aws" },\n\t"functions": { "a": { "handler": "a.handler", "events": [{ "websocket": "$connect" }] } }\n}',
    'a.js': '',
  });
  assert.deepEqual(routeTexts(json.api, json.folder), { $connect: 'a: a.js handler' });
});

test('a program, in the place of a template or of a part of it, is not executed', async (t) => {
  const evil = 'throw new Error("executed"); process.exit(7);';
  await assert.rejects(
    read(t, { 'serverless.ts': evil }),
    /serverless\.ts: .*a program is not executed here: give what `serverless print` prints/,
  );
  const { notes } = await read(t, {
    'serverless.yml':
      'service: s\nprovider: { name: aws, environment: { A: "${file(env.js):a}" } }\nfunctions: { a: { handler: a.handler, events: [ websocket: $connect ] } }\n',
    'env.js': evil,
    'a.js': evil,
  });
  assert.match(
    notes.join('\n'),
    /:2: provider\.environment\.A: \$\{file\(env\.js\):a\} has no value here: env\.js is a program, which is not executed here/,
  );
});

test('functions of other runtimes, images, and handlers whose file is not there, are said to be so', async (t) => {
  const { api, folder } = await read(t, {
    'serverless.yml': `
service: s
provider: { name: aws, runtime: nodejs22.x }
functions:
  py: { handler: a.handler, runtime: python3.12, events: [ websocket: py ] }
  image: { image: repo/image, events: [ websocket: image ] }
  gone: { handler: gone.handler, events: [ websocket: gone ] }
  odd: { handler: odd, events: [ websocket: odd ] }
`,
  });
  assert.deepEqual(routeTexts(api, folder), { py: 'py: foreign', image: 'image: foreign', gone: 'gone: missing', odd: 'odd: missing' });
});

test("CloudFormation's own variables stay where Serverless has none of that name", async (t) => {
  const { api } = await read(t, {
    'serverless.yml': `
service: s
provider:
  name: aws
  environment:
    MIXED: { 'Fn::Join': ['-', [{ Ref: 'AWS::Region' }, '\${sls:stage}', { 'Fn::Sub': '\${AWS::AccountId}/\${T}/\${!Literal}' }]] }
    LAMBDA: !GetAtt MyDashfnLambdaFunction.Arn
functions: { my-fn: { handler: a.handler, events: [ websocket: $connect ] } }
resources:
  - Resources: { T: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: t1 } } }
  - Resources: { U: { Type: 'AWS::S3::Bucket' } }
`,
    'a.js': '',
  });
  const target = api.routes.get('$connect')?.target;
  assert.ok(target?.type === 'function');
  assert.deepEqual(target.function.environment, {
    MIXED: 'us-east-1-dev-000000000000/t1/${Literal}',
    LAMBDA: 'arn:aws:lambda:us-east-1:000000000000:function:s-dev-my-fn',
  });
});
