import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { LAMBDA_DEFAULTS, LambdaTarget, lambdaUrl, type LambdaOptions } from '../../../src/backends/functions/lambda/target.ts';
import { systemClock } from '../../../src/core/system-clock.ts';
import { functionCall, functionTargetContract, invoke } from '../../contracts/function-target.ts';
import { Arrivals } from '../../support/arrivals.ts';
import { SILENT_LOG, startServer, transportTo, type Asked } from './http-functions.ts';
import { temporaryDirectory } from './module-scene.ts';
import { KEYS, signatureProblem } from './signatures.ts';

/** The Invoke API as far as it is called here: who has not signed well gets 403. */
async function startLambda(
  t: TestContext,
  handle: (asked: Asked, event: { readonly say: string }) => void,
  keys: Parameters<typeof signatureProblem>[2] = KEYS,
) {
  const problems: string[] = [];
  const server = await startServer(t, (asked) => {
    const problem = signatureProblem(asked.request, asked.body, keys);
    if (problem !== null) {
      problems.push(problem);
      asked.response.writeHead(403, { 'x-amzn-errortype': 'InvalidSignatureException' }).end(JSON.stringify({ message: problem }));
    } else handle(asked, JSON.parse(asked.body.toString()) as { say: string });
  });
  return { ...server, problems };
}

function lambdaTarget(t: TestContext, origin: string, options: Partial<LambdaOptions> = {}): LambdaTarget {
  const target = new LambdaTarget({
    ...LAMBDA_DEFAULTS,
    url: new URL(origin),
    functionName: 'chat',
    qualifier: null,
    region: 'eu-west-1',
    credentials: async () => KEYS,
    transport: transportTo(t, new URL(origin).origin),
    clock: systemClock,
    log: SILENT_LOG,
    ...options,
  });
  t.after(() => target.stop());
  return target;
}

const echo = ({ response }: Asked, { say }: { readonly say: string }): void =>
  void response.end(JSON.stringify({ statusCode: 200, body: say }));

functionTargetContract('lambda', async (t, behaviour) => {
  const { origin } = await startLambda(t, (asked, event) => {
    const { response } = asked;
    if (behaviour === 'echoes') echo(asked, event);
    else if (behaviour === 'throws')
      response
        .writeHead(200, { 'x-amz-function-error': 'Unhandled' })
        .end(JSON.stringify({ errorType: 'RangeError', errorMessage: 'it is too much' }));
    else if (behaviour === 'returns much') response.end(JSON.stringify({ body: 'x'.repeat(100_000) }));
  });
  return lambdaTarget(t, origin);
});

suite('a call of the Invoke API', () => {
  test('is a signed POST of the event to the function, its version and its region', async (t) => {
    for (const [options, path] of [
      [{}, '/2015-03-31/functions/chat/invocations'],
      [{ qualifier: 'live' }, '/2015-03-31/functions/chat/invocations?Qualifier=live'],
      [
        { functionName: 'arn:aws:lambda:eu-west-1:123456789012:function:chat' },
        '/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Achat/invocations',
      ],
    ] as const) {
      const { origin, asked, problems } = await startLambda(t, echo);
      const target = lambdaTarget(t, origin, options);
      assert.equal((await invoke(target, functionCall({ say: 'ü' }))).type, 'returned', problems.join('\n'));
      const [one] = asked.all;
      assert.deepEqual([one?.request.method, one?.request.url, one?.body.toString()], ['POST', path, '{"say":"ü"}']);
      assert.equal(one?.request.headers['x-amz-invocation-type'], 'RequestResponse');
      assert.match(String(one?.request.headers.authorization), /\/eu-west-1\/lambda\/aws4_request/);
    }
  });

  test('goes below the path of a URL that has one', async (t) => {
    const { origin, asked } = await startLambda(t, echo);
    assert.equal((await invoke(lambdaTarget(t, `${origin}/lambda/`), functionCall({ say: 'hi' }))).type, 'returned');
    assert.equal(asked.all[0]?.request.url, '/lambda/2015-03-31/functions/chat/invocations');
  });

  test('that somebody has changed, or signed with another key, is refused by who checks', async (t) => {
    const { origin, problems } = await startLambda(t, echo, { ...KEYS, secretAccessKey: 'another' });
    const result = await invoke(lambdaTarget(t, origin), functionCall({ say: 'hi' }));
    assert.ok(result.type === 'threw' && result.errorType === 'InvalidSignatureException', JSON.stringify(result));
    assert.equal(problems.length, 1);
  });

  test('carries the token of a session', async (t) => {
    const keys = { ...KEYS, sessionToken: 'FwoGZXIvYXdzEXAMPLE' };
    const { origin, problems } = await startLambda(t, echo, keys);
    const target = lambdaTarget(t, origin, { credentials: async () => keys });
    assert.equal((await invoke(target, functionCall({ say: 'hi' }))).type, 'returned', problems.join('\n'));
  });

  test('that is throttled, refused or broken says so, and whether it may have run', async (t) => {
    const unhandled = { 'x-amz-function-error': 'Unhandled' };
    const rows: readonly (readonly [status: number, headers: Record<string, string>, body: string, expected: object])[] = [
      [
        429,
        { 'x-amzn-errortype': 'TooManyRequestsException' },
        '{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","message":"Rate Exceeded."}',
        {
          type: 'failure',
          reason: 'unreachable',
          wasSent: false,
          isRefusal: true,
          detail: 'throttled, TooManyRequestsException: Rate Exceeded.',
        },
      ],
      [
        403,
        { 'x-amzn-errortype': 'AccessDeniedException:http://internal' },
        '{"Message":"User is not authorized"}',
        { type: 'threw', errorType: 'AccessDeniedException', message: 'AccessDeniedException: User is not authorized', isRefusal: true },
      ],
      [
        404,
        { 'x-amzn-errortype': 'ResourceNotFoundException' },
        '{"Message":"Function not found"}',
        {
          type: 'threw',
          errorType: 'ResourceNotFoundException',
          message: 'ResourceNotFoundException: Function not found',
          isRefusal: true,
        },
      ],
      [
        500,
        { 'x-amzn-errortype': 'ServiceException' },
        'oops',
        { type: 'failure', reason: 'reset', wasSent: true, detail: 'status 500, ServiceException: oops' },
      ],
      [200, unhandled, '{"errorMessage":"2026 Task timed out"}', { type: 'threw', errorType: 'Error', message: '2026 Task timed out' }],
      [200, unhandled, 'no JSON', { type: 'threw', errorType: 'Error', message: 'no JSON' }],
      [
        200,
        {},
        '{"errorMessage":"returned, not thrown"}',
        { type: 'returned', payload: Buffer.from('{"errorMessage":"returned, not thrown"}') },
      ],
      [200, {}, '', { type: 'returned', payload: Buffer.alloc(0) }],
    ];
    let row = 0;
    const { origin } = await startLambda(t, ({ response }) => {
      const [status, headers, body] = rows[row] ?? [500, {}, ''];
      response.writeHead(status, headers).end(body);
    });
    const target = lambdaTarget(t, origin);
    for (; row < rows.length; row += 1) assert.deepEqual(await invoke(target, functionCall()), rows[row]?.[3], rows[row]?.[2]);
  });

  test('without credentials is not sent, says why, and the log says it once', async (t) => {
    const { origin, asked } = await startLambda(t, echo);
    const log = new Arrivals<object>();
    const target = lambdaTarget(t, origin, {
      credentials: () => Promise.reject(new Error('no credentials in sight')),
      log: { ...SILENT_LOG, error: (facts) => log.add(facts) },
    });
    for (let count = 0; count < 3; count += 1) {
      const result = await invoke(target, functionCall());
      assert.ok(result.type === 'failure' && !result.wasSent && /no credentials in sight/.test(result.detail), JSON.stringify(result));
    }
    assert.deepEqual([asked.all.length, log.all.length], [0, 1]);
  });

  test('whose credentials never come fails in its time', async (t) => {
    const { origin } = await startLambda(t, echo);
    const target = lambdaTarget(t, origin, { credentials: () => new Promise(() => {}) });
    const result = await invoke(target, functionCall({}, { timeoutMs: 60 }));
    assert.ok(result.type === 'failure' && result.reason === 'timeout' && !result.wasSent);
  });
});

/** The environment of the process, for the length of a test. */
function setEnvironment(t: TestContext, variables: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env).filter((one) => one.startsWith('AWS_'))) delete process.env[name];
  Object.assign(
    process.env,
    { AWS_EC2_METADATA_DISABLED: 'true', AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
    variables,
  );
  t.after(() => {
    for (const name of Object.keys(process.env).filter((one) => one.startsWith('AWS_'))) delete process.env[name];
  });
}

/** A target that looks for credentials by itself. */
function searching(t: TestContext, origin: string): LambdaTarget {
  const target = new LambdaTarget({
    ...LAMBDA_DEFAULTS,
    url: new URL(origin),
    functionName: 'chat',
    qualifier: null,
    region: 'eu-west-1',
    transport: transportTo(t, origin),
    clock: systemClock,
    log: SILENT_LOG,
  });
  t.after(() => target.stop());
  return target;
}

suite('credentials', () => {
  test('come from the environment', async (t) => {
    const { origin, problems } = await startLambda(t, echo);
    setEnvironment(t, { AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey });
    assert.equal((await invoke(searching(t, origin), functionCall({ say: 'hi' }))).type, 'returned', problems.join('\n'));
  });

  test('come from a container, and are asked for once', async (t) => {
    const keys = { ...KEYS, sessionToken: 'of-the-container' };
    const container = await startServer(t, ({ response }) => {
      const Expiration = new Date(Date.now() + 3_600_000).toISOString();
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ AccessKeyId: keys.accessKeyId, SecretAccessKey: keys.secretAccessKey, Token: keys.sessionToken, Expiration }),
      );
    });
    const { origin, problems } = await startLambda(t, echo, keys);
    setEnvironment(t, { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${container.origin}/role`, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'let me' });
    const target = searching(t, origin);
    for (let count = 0; count < 3; count += 1)
      assert.equal((await invoke(target, functionCall({ say: 'hi' }))).type, 'returned', problems.join('\n'));
    assert.deepEqual(
      container.asked.all.map(({ request }) => [request.url, request.headers.authorization]),
      [['/role', 'let me']],
    );
  });

  test('come for a web identity, as pods of Kubernetes have it', async (t) => {
    const keys = { ...KEYS, sessionToken: 'of-the-role' };
    const sts = await startServer(t, ({ response }) => {
      const Expiration = new Date(Date.now() + 3_600_000).toISOString();
      response.setHeader('content-type', 'text/xml');
      response.end(
        `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${keys.accessKeyId}</AccessKeyId><SecretAccessKey>${keys.secretAccessKey}</SecretAccessKey><SessionToken>${keys.sessionToken}</SessionToken><Expiration>${Expiration}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
      );
    });
    const token = join(await temporaryDirectory(t), 'token');
    await writeFile(token, 'the.web.token');
    const { origin, problems } = await startLambda(t, echo, keys);
    setEnvironment(t, {
      AWS_WEB_IDENTITY_TOKEN_FILE: token,
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/gateway',
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL_STS: sts.origin,
    });
    assert.equal((await invoke(searching(t, origin), functionCall({ say: 'hi' }))).type, 'returned', problems.join('\n'));
    assert.match(sts.asked.all[0]?.body.toString() ?? '', /WebIdentityToken=the\.web\.token/);
  });

  test('that are nowhere are missed in words', async (t) => {
    const { origin } = await startLambda(t, echo);
    setEnvironment(t, {});
    const result = await invoke(searching(t, origin), functionCall());
    assert.ok(result.type === 'failure' && !result.wasSent && /credential/i.test(result.detail), JSON.stringify(result));
  });
});

test('the Invoke API of a region is where AWS has it', () => {
  assert.equal(lambdaUrl('eu-west-1').href, 'https://lambda.eu-west-1.amazonaws.com/');
  assert.equal(lambdaUrl('cn-north-1').href, 'https://lambda.cn-north-1.amazonaws.com.cn/');
});
