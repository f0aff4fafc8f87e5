import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { createApi } from '../../../src/dialects/aws/api.ts';
import type { AwsRouteSpec } from '../../../src/dialects/aws/schemas.ts';
import { readRoutesFile, RoutesFileError } from '../../../src/routes/file.ts';
import { sampleContext } from '../../contracts/samples.ts';
import { routesFile } from '../../support/routes-file.ts';

async function problemsOf(t: TestContext, text: string): Promise<readonly string[]> {
  const { path } = await routesFile(t, text);
  const error = await readRoutesFile(path).then(
    () => assert.fail('the file was taken'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof RoutesFileError, String(error));
  return error.problems.map((line) => line.replace(path, 'FILE'));
}

test('every mistake is reported at once, with its line and its place', async (t) => {
  const found = await problemsOf(
    t,
    `routes:
  - path: /prod
    dialect: aws
    stage: not a stage
    domainName: https://gw.example.com
    routeSelectionExpression: $context.connectionId
    stageVariables: { table: chat }
    routes:
      $connect: { target: { type: webhook } }
      $disconnect: { target: { type: rie, url: "ftp://fn" }, routeResponse: true }
      $custom: { target: { type: mock } }
      list:
        timeout: 5
        target: { type: mock }
      send:
        target: { type: lambda, function: chat, file: x.js }
      vote:
        target: { type: webhook, url: "http://\${stageVariables.host}/" }
      more:
        target: { type: soap, url: "http://x" }
        timeoutMs: never
      none: {}
    authorizer: { identitySource: [route.request.header.Authorization] }
    sigv4: { mode: verify, tokens: [long-enough-to-be-one] }
  - path: /strict
    dialect: aws
    strict: true
    backend: http://me:hush@host
    target: { type: mock }
    routes:
      $connect: { timeoutMs: 40 }
  - path: /empty
    dialect: aws
  - path: /wsaas
    stage: prod
`,
  );
  assert.deepEqual(
    found.map((line) => line.split(': ').slice(0, 2).join(' ')).toSorted(),
    [
      'FILE:4 routes.0.stage',
      'FILE:5 routes.0.domainName',
      'FILE:6 routes.0.routeSelectionExpression',
      'FILE:9 routes.0.routes.$connect.target',
      'FILE:10 routes.0.routes.$disconnect.routeResponse',
      'FILE:10 routes.0.routes.$disconnect.target.url',
      'FILE:11 routes.0.routes.$custom',
      'FILE:13 routes.0.routes.list.timeout',
      'FILE:16 routes.0.routes.send.target.file',
      'FILE:18 routes.0.routes.vote.target.url',
      'FILE:20 routes.0.routes.more.target.type',
      'FILE:21 routes.0.routes.more.timeoutMs',
      'FILE:22 routes.0.routes.none',
      'FILE:23 routes.0.authorizer',
      'FILE:24 routes.0.sigv4',
      'FILE:24 routes.0.sigv4.tokens',
      'FILE:28 routes.1.backend',
      'FILE:28 routes.1.backend',
      'FILE:31 routes.1.routes.$connect.timeoutMs',
      'FILE:32 routes.2',
      'FILE:34 routes.3',
    ].toSorted(),
  );
  assert.doesNotMatch(found.join(), /hush/);
});

/** What a route of a file becomes. */
async function apiOf(t: TestContext, text: string) {
  const { path } = await routesFile(t, `routes:\n${text}`);
  const [spec] = await readRoutesFile(path);
  const values = spec as unknown as AwsRouteSpec & { readonly path: string; readonly backend?: string };
  const backend = values.backend === undefined ? null : new URL(values.backend);
  const context = sampleContext({ routePath: values.path, backend, directory: '/etc/wsaas', backendHeaders: ['x-all', '1'], values });
  return createApi(context, () => 0);
}

test('what a route does not say has its default: stage, apiId, expression, one target for all, time-outs', async (t) => {
  const api = await apiOf(t, '  - { path: /v1/chat, dialect: aws, backend: "https://api.example.com/ws" }\n');
  assert.equal(api.stage, 'chat');
  assert.match(api.apiId, /^[a-z0-9]{10}$/);
  assert.deepEqual([...api.functions.keys()], ['$connect', '$disconnect', '$default']);
  for (const { target, isTwoWay, timeoutMs, routeKey } of api.functions.values()) {
    assert.deepEqual(target, { type: 'webhook', url: 'https://api.example.com/ws', answer: 'http', headers: ['x-all', '1'] });
    assert.equal(isTwoWay, false);
    assert.equal(timeoutMs, routeKey === '$connect' ? 10_000 : 29_000);
  }
  assert.equal(api.select, null, 'no message is looked into where there is one route for all');
  assert.equal((await apiOf(t, '  - { path: /, dialect: aws, target: { type: mock } }\n')).stage, '$default');
});

test('targets have their own URLs, stage variables in them, files beside the routes file, and AWS’s names', async (t) => {
  const api = await apiOf(
    t,
    `  - path: /prod
    dialect: aws
    stageVariables: { host: api.example.com, path: ws }
    target: { type: AWS_PROXY, function: chat, region: eu-west-1 }
    routes:
      $connect: { target: { type: HTTP_PROXY, url: "https://\${stageVariables.host}/\${stageVariables.path}", answer: envelope, headers: { X-Key: k } } }
      $disconnect: { target: { type: MOCK } }
      $default: {}
      rie: { target: { type: rie, url: "http://fn:8080" } }
      module: { target: { type: module, file: ./handlers/chat.js, env: { TABLE: chat } }, routeResponse: true, timeoutMs: 500 }
`,
  );
  const targetOf = (key: string) => api.functions.get(key)?.target;
  assert.deepEqual(targetOf('$connect'), {
    type: 'webhook',
    url: 'https://api.example.com/ws',
    answer: 'envelope',
    headers: ['x-all', '1', 'x-key', 'k'],
  });
  assert.deepEqual(targetOf('$disconnect'), { type: 'mock', statusCode: 200, body: null });
  assert.deepEqual(targetOf('$default'), { type: 'lambda', function: 'chat', qualifier: null, region: 'eu-west-1', url: null });
  assert.deepEqual(targetOf('rie'), { type: 'rie', url: 'http://fn:8080/' });
  assert.deepEqual(targetOf('module'), {
    type: 'module',
    file: '/etc/wsaas/handlers/chat.js',
    export: 'handler',
    function: null,
    directory: '/etc/wsaas',
    timeoutMs: null,
    memoryMb: null,
    maxInstances: null,
    env: { TABLE: 'chat' },
  });
  const { isTwoWay, timeoutMs } = api.functions.get('module') ?? assert.fail();
  assert.deepEqual([isTwoWay, timeoutMs], [true, 500]);
});

test('strict brings AWS’s limits, and the whole open has the time of authorizer and $connect', async (t) => {
  const target = 'target: { type: mock }';
  const strict = await apiOf(t, `  - { path: /prod, dialect: aws, strict: true, ${target} }\n`);
  const { maxMessageBytes, idleTimeoutMs, maxIdleMs, maxAgeMs } = strict.limits;
  assert.deepEqual([maxMessageBytes, idleTimeoutMs, maxIdleMs, maxAgeMs], [131_072, 0, 600_000, 7_200_000]);
  assert.ok(strict.isConcurrent && strict.isStrict);
  const guarded = await apiOf(
    t,
    `  - { path: /prod, dialect: aws, ${target}, authorizer: { timeoutMs: 3000, ${target} }, concurrent: false }\n`,
  );
  assert.equal(guarded.limits.openTimeoutMs, 13_000);
  assert.equal(guarded.isConcurrent, false);
});

test('the examples of docs/dialects/aws.md are routes files', async (t) => {
  const page = readFileSync(new URL('../../../docs/dialects/aws.md', import.meta.url), 'utf8');
  const examples = [...page.matchAll(/^```yaml\n(routes:.*?)^```$/gms)];
  assert.ok(examples.length > 0);
  for (const [, text = ''] of examples) assert.ok((await readRoutesFile((await routesFile(t, text)).path)).length > 0);
});
