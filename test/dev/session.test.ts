import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect, refusal, type Client } from '../support/client.ts';
import { type DevSession, startDev } from '../support/dev-session.ts';
import { folderWith } from '../support/folder.ts';

const SDK = fileURLToPath(import.meta.resolve('@aws-sdk/client-apigatewaymanagementapi'));

/** A service whose functions answer what they return. */
function template(functions: Readonly<Record<string, { handler: string; route: string }>>, environment: object = {}): string {
  const written = Object.entries(functions).map(([name, { handler, route }]) => [
    name,
    { handler, events: [{ websocket: { route, routeResponseSelectionExpression: '$default' } }] },
  ]);
  return JSON.stringify({
    service: 's',
    provider: { name: 'aws', runtime: 'nodejs22.x', environment },
    functions: Object.fromEntries(written),
  });
}

const echo = (text: string): string => `exports.handler = async () => ({ statusCode: 200, body: ${JSON.stringify(text)} });`;

async function start(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  more: Parameters<typeof startDev>[2] = {},
): Promise<DevSession & { folder: string }> {
  const folder = await folderWith(t, files);
  const [first = ''] = Object.keys(files);
  return { ...(await startDev(t, join(folder, first), more)), folder };
}

async function ask(client: Client, text: string): Promise<string> {
  const before = client.frames.all.length;
  client.ws.send(text);
  return (await client.frames.atLeast(before + 1))[before]?.text ?? '';
}

const api = (stage: string): object => ({
  Type: 'AWS::Serverless::WebSocketApi',
  Properties: {
    StageName: stage,
    Routes: { $default: { FunctionArn: { 'Fn::GetAtt': ['F', 'Arn'] }, RouteResponseSelectionExpression: '$default' } },
  },
});

const nothing = (): void => {};

suite('wsaas dev', { concurrency: 2 }, () => {
  test('a handler that changes is loaded anew, and its connections stay open', async (t) => {
    const session = await start(t, {
      'serverless.json': template({ a: { handler: 'a.handler', route: '$default' } }),
      'a.cjs': echo('one'),
    });
    const client = await connect(t, session.url);
    assert.equal(await ask(client, 'x'), 'one');
    await writeFile(join(session.folder, 'a.cjs'), echo('two'));
    await session.told.first((text) => text.startsWith('reloaded'));
    assert.equal(await ask(client, 'x'), 'two');
    await writeFile(join(session.folder, 'a.cjs'), 'exports.handler = {');
    await session.told.atLeast(2, (text) => text.startsWith('reloaded'));
    assert.match(await ask(client, 'x'), /Internal server error/);
    assert.match((await session.ran.first(({ isError }) => isError)).result, /^threw Runtime\.UserCodeSyntaxError: /);
    await writeFile(join(session.folder, 'a.cjs'), echo('three'));
    await session.told.atLeast(3, (text) => text.startsWith('reloaded'));
    assert.equal(await ask(client, 'x'), 'three', 'a mistake is forgotten with the next change');
  });

  test('a template that changes is read again for new connections; a mistake in it is told with its line and changes nothing', async (t) => {
    const before = template({ a: { handler: 'a.handler', route: '$default' } });
    const session = await start(t, { 'serverless.json': before, 'a.cjs': echo('one'), 'b.cjs': echo('b') });
    const old = await connect(t, session.url);
    assert.equal(await ask(old, '{"action":"b"}'), 'one');
    await writeFile(join(session.folder, 'serverless.json'), '{ "service": 1,\n "provider": [ }');
    assert.match(await session.told.first((text) => text.includes('all stays as it was')), /serverless\.json:2: /);
    await writeFile(
      join(session.folder, 'serverless.json'),
      template({ a: { handler: 'a.handler', route: '$default' }, b: { handler: 'b.handler', route: 'b' } }),
    );
    await session.told.first((text) => text.startsWith('the template was read again'));
    assert.equal(await ask(await connect(t, session.url), '{"action":"b"}'), 'b');
    assert.equal(await ask(old, '{"action":"b"}'), 'one');
  });

  test('a handler that is built later is found then; data that handlers write into their folder reloads nothing', async (t) => {
    const session = await start(t, { 'serverless.json': template({ a: { handler: 'build/a.handler', route: '$default' } }) });
    assert.match(
      session.told.all.join('\n'),
      /serverless\.json:\d+: a: the handler's file is not there: .*build\/a\{\.js,.*it may have to be built first/,
    );
    await mkdir(join(session.folder, 'build'));
    await writeFile(join(session.folder, 'data.db'), 'x');
    await writeFile(join(session.folder, 'build/a.cjs'), echo('built'));
    await session.told.first((text) => text.startsWith('the template was read again'));
    assert.equal(await ask(await connect(t, session.url), 'x'), 'built');
    const told = session.told.all.length;
    await writeFile(join(session.folder, 'data.db'), 'y');
    await writeFile(join(session.folder, 'build/a.cjs'), echo('again'));
    await session.told.atLeast(told + 1);
    assert.equal(session.told.all.length, told + 1, 'one reload, for the code');
  });

  test("what functions write and throw is shown; the template's environment goes over the shell's", async (t) => {
    const code = `exports.handler = async ({ body }) => {
      if (body === 'throw') throw new TypeError('no such thing');
      console.log('called with', body);
      const { TABLE, FROM_SHELL, AWS_REGION, AWS_ACCESS_KEY_ID } = process.env;
      return { statusCode: 200, body: JSON.stringify({ TABLE, FROM_SHELL, AWS_REGION, AWS_ACCESS_KEY_ID }) };
    };`;
    const session = await start(
      t,
      { 'serverless.json': template({ a: { handler: 'a.handler', route: '$default' } }, { TABLE: 'of the template' }), 'a.cjs': code },
      { shell: { TABLE: 'of the shell', FROM_SHELL: 'yes' } },
    );
    const client = await connect(t, session.url);
    assert.deepEqual(JSON.parse(await ask(client, 'x')), {
      TABLE: 'of the template',
      FROM_SHELL: 'yes',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
    });
    await session.wrote.first((text) => text === 'called with x');
    await ask(client, 'throw');
    const { result, routeKey } = await session.ran.first(({ isError }) => isError);
    assert.deepEqual([routeKey, result], ['$default', 'threw TypeError: no such thing']);
  });

  test('TypeScript runs as bundlers take it: imports without an ending, enums', async (t) => {
    const session = await start(t, {
      'serverless.json': template({ a: { handler: 'src/a.handler', route: '$default' } }),
      'src/a.ts': `import { word } from './lib';\nimport { Mood } from './mood.js';\nexport const handler = async (): Promise<object> => ({ statusCode: 200, body: word(Mood.Good) });`,
      'src/lib/index.ts': `import { Mood } from '../mood';\nexport const word = (mood: Mood): string => (mood === Mood.Good ? 'good' : 'bad');`,
      'src/mood.ts': 'export enum Mood { Bad, Good }',
      'package.json': '{ "type": "module" }',
    });
    assert.equal(await ask(await connect(t, session.url), 'x'), 'good');
  });

  test('code in the template itself runs; a client made without an endpoint posts here; one call tells everybody', async (t) => {
    const inline = `
const { ApiGatewayManagementApiClient, PostToConnectionCommand } = require(${JSON.stringify(SDK)});
exports.handler = async ({ requestContext, body }) => {
  const { connectionId, callbackUrl } = requestContext;
  if (body === 'all') await fetch(new URL('/send?all=true', callbackUrl), { method: 'POST', body: 'to everybody' });
  else await new ApiGatewayManagementApiClient({}).send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: 'to you' }));
  return { statusCode: 200 };
};`;
    const stack = {
      Resources: {
        Chat: {
          Type: 'AWS::Serverless::WebSocketApi',
          Properties: { StageName: 'live', Routes: { $default: { FunctionArn: { 'Fn::GetAtt': ['F', 'Arn'] } } } },
        },
        F: {
          Type: 'AWS::Serverless::Function',
          Properties: { Runtime: 'nodejs22.x', Handler: 'index.handler', InlineCode: inline, Timeout: 20 },
        },
      },
    };
    const session = await start(t, { 'template.json': JSON.stringify(stack) });
    const [a, b] = [await connect(t, session.url), await connect(t, session.url)];
    assert.equal(await ask(a, 'me'), 'to you');
    assert.equal(await ask(a, 'all'), 'to everybody');
    assert.equal((await b.frames.first(() => true)).text, 'to everybody');
    const ran = await session.ran.atLeast(2);
    assert.deepEqual(
      ran.map(({ result }) => result),
      ['200', '200'],
    );
  });

  test("a handler that builds its endpoint from the API's id, as AWS's own sample does, posts here; other hosts are what they are", async (t) => {
    const code = `
const { ApiGatewayManagementApiClient, PostToConnectionCommand } = require(${JSON.stringify(SDK)});
exports.handler = async ({ requestContext: { apiId, stage, connectionId } }) => {
  const host = apiId + '.execute-api.' + process.env.AWS_REGION + '.amazonaws.com';
  const client = new ApiGatewayManagementApiClient({ endpoint: 'https://' + host + '/' + stage });
  await client.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: 'by the SDK' }));
  await fetch('https://' + host + '/' + stage + '/@connections/' + encodeURIComponent(connectionId), { method: 'POST', body: 'by fetch' });
  const other = await new Promise((resolve) => {
    const lookup = (name, _options, callback) => callback(new Error('looked up ' + name));
    require('node:https').get({ host: host.replace(apiId, 'another'), lookup }).on('error', (error) => resolve(error.message));
  });
  return { statusCode: 200, body: String(other) };
};`;
    const session = await start(t, { 'serverless.json': template({ a: { handler: 'a.handler', route: '$default' } }), 'a.cjs': code });
    const client = await connect(t, session.url);
    client.ws.send('x');
    const [first, second, third] = (await client.frames.atLeast(3)).map(({ text }) => text);
    assert.deepEqual([first, second], ['by the SDK', 'by fetch']);
    assert.equal(third, 'looked up another.execute-api.us-east-1.amazonaws.com');
  });

  test('clients connect plain or encrypted by a certificate that nobody else trusts; a path of no stage is refused', async (t) => {
    const session = await start(t, { 'serverless.json': template({ a: { handler: 'a.handler', route: '$connect' } }), 'a.cjs': echo('') });
    await connect(t, session.url);
    await connect(t, session.url.replace('ws:', 'wss:'), { rejectUnauthorized: false });
    await assert.rejects(connect(t, session.url.replace('ws:', 'wss:')), /self-signed certificate/);
    assert.equal((await refusal(t, session.url.replace('/dev', '/prod'))).status, 403, 'as on AWS');
  });

  test('two APIs of a template are served side by side, or one of them by its name', async (t) => {
    const code = 'exports.handler = async ({ requestContext: { stage, apiId } }) => ({ statusCode: 200, body: stage + " " + apiId });';
    const files = {
      'template.json': JSON.stringify({
        Resources: {
          One: api('prod'),
          Two: api('prod'),
          F: { Type: 'AWS::Serverless::Function', Properties: { Runtime: 'nodejs22.x', CodeUri: '.', Handler: 'f.handler' } },
        },
      }),
      'f.cjs': code,
    };
    const both = await start(t, files);
    assert.deepEqual([...both.urls.keys()], ['One', 'Two']);
    const said = await Promise.all([...both.urls.values()].map(async (url) => ask(await connect(t, url), 'x')));
    assert.ok(said.every((text) => text.startsWith('prod ')) && said[0] !== said[1], said.join());
    const one = await start(t, files, { apis: ['Two'] });
    assert.deepEqual([...one.urls.keys()], ['Two']);
    await assert.rejects(start(t, files, { apis: ['Three'] }), /no API is called Three; there is One, Two/);
  });

  test('a port that another program has ends the start', async (t) => {
    const other = createServer().listen(0, '127.0.0.1');
    t.after(() => other.close());
    await new Promise((resolve) => other.once('listening', resolve));
    const { startSession } = await import('../../src/dev/session.ts');
    const folder = await folderWith(t, {
      'serverless.json': template({ a: { handler: 'a.handler', route: '$connect' } }),
      'a.cjs': echo(''),
    });
    const starting = startSession({
      template: join(folder, 'serverless.json'),
      options: { stage: undefined, region: undefined, parameters: new Map(), environment: {} },
      apis: undefined,
      host: '127.0.0.1',
      port: (other.address() as AddressInfo).port,
      output: { ran: nothing, wrote: nothing, told: nothing },
    });
    await assert.rejects(starting, { code: 'EADDRINUSE' });
  });
});
