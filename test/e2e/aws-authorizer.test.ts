import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { COMPILE_CACHE } from '../backends/functions/module-scene.ts';
import { startApp, type AppGateway } from '../support/app.ts';
import { connect, refusal } from '../support/client.ts';
import { issuerKey, startIssuer, tokenBy } from '../support/issuer.ts';
import { routesFile } from '../support/routes-file.ts';

const ENV = `{ NODE_COMPILE_CACHE: '${COMPILE_CACHE}' }`;
const HANDLERS = join(import.meta.dirname, 'aws-handlers');

/** A gateway with one API of dialect `aws`, whose functions are the handlers beside this file. */
async function startApi(t: TestContext, authorizer: string): Promise<AppGateway> {
  const { path } = await routesFile(
    t,
    `
routes:
  - path: /prod
    dialect: aws
    apiId: abcde12345
    domainName: gw.example.com
    target: { type: module, file: ${HANDLERS}/chat.cjs, maxInstances: 2, env: ${ENV} }
    routes:
      $connect: {}
      $disconnect: {}
      echo: { routeResponse: true }
      $default: {}
    authorizer: ${authorizer}
`,
  );
  return startApp(t, { ROUTES_FILE: path });
}

const MODULE = `{ type: module, file: ${HANDLERS}/authorizer.cjs, maxInstances: 1, env: ${ENV} }`;

async function toldOf(gateway: AppGateway, route: string): Promise<Record<string, unknown>> {
  const { text } = (await gateway.log.first(({ text }) => String(text).startsWith(`${route} `))) as unknown as { text: string };
  return JSON.parse(text.slice(route.length + 1)) as Record<string, unknown>;
}

suite('an authorizer function', () => {
  test('that allows is told of in every event, with its context as texts', async (t) => {
    const gateway = await startApi(t, `{ target: ${MODULE}, identitySource: [route.request.header.Authorization] }`);
    const client = await connect(t, `${gateway.wsUrl}/prod`, { headers: { Authorization: 'allow' } });
    const expected = { plan: 'pro', seats: '3', beta: 'true', principalId: 'ann' };
    client.ws.send(JSON.stringify({ action: 'echo' }));
    const { authorizer } = JSON.parse((await client.frames.first(() => true)).text) as { authorizer: Record<string, unknown> };
    client.ws.close(1000);
    for (const { integrationLatency, ...told } of [await toldOf(gateway, '$connect'), authorizer, await toldOf(gateway, '$disconnect')]) {
      assert.deepEqual(told, expected);
      assert.equal(typeof integrationLatency, 'number');
    }
  });

  test('answers 401, 403, 500 and 504 as AWS does, and $connect hears of none of these clients', async (t) => {
    const gateway = await startApi(
      t,
      `{ target: ${MODULE}, identitySource: [route.request.header.Authorization, $request.querystring.room], timeoutMs: 1500 }`,
    );
    const url = `${gateway.wsUrl}/prod?room=1`;
    const rows: readonly (readonly [url: string, token: string | null, status: number, message: string])[] = [
      [url, null, 401, 'Unauthorized'],
      [url, '', 401, 'Unauthorized'],
      [`${gateway.wsUrl}/prod`, 'allow', 401, 'Unauthorized'],
      [`${gateway.wsUrl}/prod?room=`, 'allow', 401, 'Unauthorized'],
      [url, 'unauthorized', 401, 'Unauthorized'],
      [url, 'deny', 403, 'Forbidden'],
      [url, 'nested', 500, 'Internal server error'],
      [url, 'other', 500, 'Internal server error'],
      [url, 'hang', 504, 'Endpoint request timed out'],
    ];
    for (const [at, authorization, status, message] of rows) {
      const refused = await refusal(t, at, { headers: authorization === null ? {} : { Authorization: authorization } });
      const { message: said, connectionId, requestId } = JSON.parse(refused.body) as Record<string, string>;
      assert.deepEqual([refused.status, said], [status, message], String(authorization));
      assert.match(`${connectionId} ${requestId}`, /^\S{16} \S{16}$/);
      assert.equal(refused.headers['www-authenticate'], status === 401 ? 'Bearer' : undefined);
    }
    assert.ok(!gateway.log.all.some(({ text }) => String(text).startsWith('$')));
  });

  test('hears of the client what AWS tells', async (t) => {
    const gateway = await startApi(t, `{ target: ${MODULE} }`);
    await connect(t, `${gateway.wsUrl}/prod?token=event&room=a&room=b`, { headers: { 'X-Own': 'kept' } });
    const { text } = (await gateway.log.first(({ text }) => String(text).startsWith('{'))) as unknown as { text: string };
    const event = JSON.parse(text) as Record<string, Record<string, unknown>>;
    assert.equal(event['type'], 'REQUEST');
    assert.equal(event['methodArn'], 'arn:aws:execute-api:us-east-1:000000000000:abcde12345/prod/$connect');
    assert.deepEqual(event['queryStringParameters'], { token: 'event', room: 'b' });
    assert.deepEqual(event['multiValueQueryStringParameters'], { token: ['event'], room: ['a', 'b'] });
    assert.deepEqual(event['stageVariables'], {});
    const { headers, multiValueHeaders, requestContext } = event;
    assert.deepEqual(
      [headers?.['X-Own'], headers?.['Connection'], headers?.['Upgrade'], headers?.['content-length']],
      ['kept', 'upgrade', 'websocket', '0'],
    );
    assert.deepEqual(multiValueHeaders?.['X-Own'], ['kept']);
    assert.deepEqual(
      ['routeKey', 'eventType', 'stage', 'apiId', 'domainName', 'messageDirection'].map((name) => requestContext?.[name]),
      ['$connect', 'CONNECT', 'prod', 'abcde12345', 'gw.example.com', 'IN'],
    );
    assert.deepEqual((requestContext?.['identity'] as Record<string, unknown> | undefined)?.['sourceIp'], '127.0.0.1');
    assert.equal(event['pathParameters'], undefined);
    assert.equal(requestContext?.['authorizer'], undefined);
  });
});

suite('tokens', () => {
  test('of the issuer let in, with their claims in every event as HTTP APIs tell them; others get 401', async (t) => {
    const key = await issuerKey('one');
    const issuer = await startIssuer(t, [key.jwk]);
    const gateway = await startApi(
      t,
      `{ jwt: { issuer: '${issuer.name}', audience: [chat] }, identitySource: [route.request.header.Authorization, route.request.querystring.access_token] }`,
    );
    const token = await tokenBy(key, { iss: issuer.name, scope: 'read write', groups: ['a', 'b'], n: 1 });
    for (const [query, headers] of [
      ['', { authorization: `Bearer ${token}` }],
      [`?access_token=${token}`, {}],
    ] as const) {
      const client = await connect(t, `${gateway.wsUrl}/prod${query}`, { headers });
      client.ws.send(JSON.stringify({ action: 'echo' }));
      const { authorizer } = JSON.parse((await client.frames.first(() => true)).text) as {
        authorizer: { principalId: string; jwt: { claims: Record<string, string>; scopes: string[] } };
      };
      assert.equal(authorizer.principalId, 'ann');
      const { exp, ...claims } = authorizer.jwt.claims;
      assert.deepEqual(claims, { iss: issuer.name, aud: 'chat', sub: 'ann', scope: 'read write', groups: '[a b]', n: '1' });
      assert.match(String(exp), /^\d{10}$/);
      assert.deepEqual(authorizer.jwt.scopes, ['read', 'write']);
    }
    for (const authorization of ['', 'Bearer', `Bearer ${token}x`, await tokenBy(key, { iss: issuer.name, aud: 'mail' }), 'Basic YTpi'])
      assert.equal((await refusal(t, `${gateway.wsUrl}/prod`, { headers: { authorization } })).status, 401, authorization);
  });

  test('that expire close the connection with 4401, unless the route wants otherwise', async (t) => {
    const key = await issuerKey('one');
    const issuer = await startIssuer(t, [key.jwk]);
    const token = await tokenBy(key, { exp: Math.floor(Date.now() / 1000) + 2 });
    const options = { headers: { authorization: token } };
    const [closing, staying] = await Promise.all(
      ['', ', closeOnExpiry: false'].map(async (more) =>
        connect(t, `${(await startApi(t, `{ jwt: { jwksUri: '${issuer.jwksUri}'${more} } }`)).wsUrl}/prod`, options),
      ),
    );
    assert.deepEqual(await closing?.ended, { code: 4401, reason: 'token expired' });
    staying?.ws.send(JSON.stringify({ action: 'echo' }));
    await staying?.frames.first(() => true);
  });

  test('are not judged while the issuer is away: 500, and the log says why', async (t) => {
    const key = await issuerKey('one');
    const issuer = await startIssuer(t, [key.jwk]);
    issuer.answer = (response) => void response.writeHead(503).end();
    const gateway = await startApi(t, `{ jwt: { jwksUri: '${issuer.jwksUri}' } }`);
    assert.equal((await refusal(t, `${gateway.wsUrl}/prod`, { headers: { authorization: await tokenBy(key) } })).status, 500);
    const { level, because } = await gateway.log.first(({ because }) => String(because).includes('the issuer answered 503'));
    assert.equal(level, 40, String(because));
  });
});

test('an authorizer that cannot be is a mistake of the routes file, with its place', async (t) => {
  await assert.rejects(
    startApi(t, `{ target: ${MODULE}, identitySource: [method.request.header.X, context.accountId] }`),
    /identitySource.*0.*must be route\.request\.header\.NAME[\s\S]*identitySource.*1.*not known at \$connect/,
  );
  await assert.rejects(startApi(t, `{ jwt: { audience: chat } }`), /must have the jwksUri of the keys, or the issuer/);
  await assert.rejects(startApi(t, `{ jwt: { jwksUri: 'file:///keys' } }`), /jwksUri.*must be a URL of http or https/);
});
