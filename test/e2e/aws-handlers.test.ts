import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { startServer } from '../backends/functions/http-functions.ts';
import { COMPILE_CACHE, temporaryDirectory } from '../backends/functions/module-scene.ts';
import { KEYS, signatureProblem } from '../backends/functions/signatures.ts';
import { startApp, type AppGateway } from '../support/app.ts';
import { connect, refusal } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';
import { routesFile } from '../support/routes-file.ts';
import { gone, isAlive, signalTo } from '../support/signals.ts';

const ENV = `{ NODE_COMPILE_CACHE: '${COMPILE_CACHE}' }`;
const CHAT = join(import.meta.dirname, 'aws-handlers/chat.cjs');

/** A routes file with one API at /prod; `target` runs its routes, of which `echo` is a two-way one. */
async function routesOf(t: TestContext, target: string, more = ''): Promise<string> {
  const { path } = await routesFile(
    t,
    `
routes:
  - path: /prod
    dialect: aws
    target: ${target}
    routes:
      $connect: {}
      $disconnect: {}
      echo: { routeResponse: true }
      $default: {}
      ${more}
`,
  );
  return path;
}

async function startApi(t: TestContext, target: string, more = ''): Promise<AppGateway> {
  return startApp(t, { ROUTES_FILE: await routesOf(t, target, more) });
}

suite('an enemy of a handler, in a gateway', () => {
  test('costs its own call: its sender gets what AWS sends, and nobody else notices', async (t) => {
    const gateway = await startApi(t, `{ type: module, env: ${ENV}, file: ${CHAT}, maxInstances: 2, timeoutMs: 700 }`);
    const [enemy, friend] = [await connect(t, `${gateway.wsUrl}/prod`), await connect(t, `${gateway.wsUrl}/prod`)];
    for (const does of ['throw', 'exit', 'block', 'long']) {
      const before = [enemy.frames.all.length, friend.frames.all.length] as const;
      enemy.ws.send(JSON.stringify({ action: 'echo', does }));
      for (let count = 0; count < 5; count += 1) friend.ws.send(JSON.stringify({ action: 'echo' }));
      await friend.frames.atLeast(before[1] + 5);
      await enemy.frames.atLeast(before[0] + 1);
      const { message, connectionId, requestId } = JSON.parse(enemy.frames.all.at(-1)?.text ?? '') as Record<string, string>;
      assert.equal(message, 'Internal server error', does);
      assert.match(`${connectionId} ${requestId}`, /^\S{16} \S{16}$/);
    }
    assert.ok(friend.frames.all.every(({ text }) => text.includes('"routeKey":"echo"')));
    enemy.ws.send(JSON.stringify({ action: 'echo' }));
    await enemy.frames.first(({ text }) => text.includes('"routeKey":"echo"'));
  });

  test('that never ends is told of as a time-out where the route waits less than the function may take', async (t) => {
    const gateway = await startApi(t, `{ type: module, env: ${ENV}, file: ${CHAT}, maxInstances: 2 }`, `slow: { timeoutMs: 300 }`);
    const client = await connect(t, `${gateway.wsUrl}/prod`);
    client.ws.send(JSON.stringify({ action: 'slow', does: 'block' }));
    const { text } = await client.frames.first(() => true);
    assert.equal((JSON.parse(text) as { message: string }).message, 'Endpoint request timed out');
  });
});

suite('a function on Lambda, in a gateway', () => {
  test('is called with a signature; a refusal of $connect is 500, an exception 502, a throttled message waits', async (t) => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) t.after(() => delete process.env[name]);
    process.env['AWS_ACCESS_KEY_ID'] = KEYS.accessKeyId;
    process.env['AWS_SECRET_ACCESS_KEY'] = KEYS.secretAccessKey;
    const answers: Record<string, readonly [status: number, headers: Record<string, string>, body: object]> = {
      throw: [200, { 'x-amz-function-error': 'Unhandled' }, { errorType: 'Error', errorMessage: 'no' }],
      deny: [403, { 'x-amzn-errortype': 'AccessDeniedException' }, { Message: 'no' }],
      throttle: [429, { 'x-amzn-errortype': 'TooManyRequestsException' }, { message: 'Rate Exceeded.' }],
    };
    let throttles = 2;
    const lambda = await startServer(t, ({ request, response, body }) => {
      const problem = signatureProblem(request, body);
      const {
        requestContext,
        queryStringParameters,
        body: text,
      } = JSON.parse(body.toString()) as {
        requestContext: { routeKey: string };
        queryStringParameters?: { does?: string };
        body?: string;
      };
      const isThrottled = requestContext.routeKey === 'echo' && (throttles -= 1) >= 0;
      const [status, headers, answer] = answers[isThrottled ? 'throttle' : (queryStringParameters?.does ?? '')] ?? [
        200,
        {},
        { statusCode: 200, body: text },
      ];
      if (problem === null) response.writeHead(status, headers).end(JSON.stringify(answer));
      else response.writeHead(403).end(problem);
    });
    const gateway = await startApi(t, `{ type: lambda, url: "${lambda.origin}", function: chat, region: eu-west-1 }`);
    for (const [does, status] of [
      ['throw', 502],
      ['deny', 500],
      ['throttle', 500],
    ] as const)
      assert.equal((await refusal(t, `${gateway.wsUrl}/prod?does=${does}`)).status, status, does);
    const client = await connect(t, `${gateway.wsUrl}/prod`);
    client.ws.send('{"action":"echo","say":"hi"}');
    assert.equal((await client.frames.first(() => true)).text, '{"action":"echo","say":"hi"}');
    assert.equal(throttles, -1);
  });
});

test('a function behind the emulator serves many clients, one call at a time', async (t) => {
  let running = 0;
  const emulator = await startServer(t, ({ request, response, body }) => {
    if (running > 0 || request.url !== '/2015-03-31/functions/function/invocations') {
      response.writeHead(400).end();
      return;
    }
    running += 1;
    setImmediate(() => {
      running -= 1;
      response.end(JSON.stringify({ statusCode: 200, body: (JSON.parse(body.toString()) as { body?: string }).body }));
    });
  });
  const gateway = await startApi(t, `{ type: rie, url: "${emulator.origin}" }`);
  const clients = await Promise.all(Array.from({ length: 10 }, () => connect(t, `${gateway.wsUrl}/prod`)));
  for (const [index, { ws }] of clients.entries()) ws.send(`{"action":"echo","say":${index}}`);
  for (const [index, { frames }] of clients.entries())
    assert.equal((await frames.first(() => true)).text, `{"action":"echo","say":${index}}`);
});

test('SIGHUP loads handlers anew, connections stay; a gateway that is killed leaves no process of a handler behind', async (t) => {
  const file = join(await temporaryDirectory(t), 'chat.cjs');
  const write = (version: number): Promise<void> =>
    writeFile(
      file,
      `exports.handler = async () => ({ statusCode: 200, body: JSON.stringify({ version: ${version}, pid: process.pid }) });`,
    );
  await write(1);
  const routes = await routesOf(t, `{ type: module, file: ${file} }`, 'pid: { routeResponse: true }');
  const gateway = await startGateway(t, { ROUTES_FILE: routes });
  const client = await connect(t, `${gateway.wsUrl}/prod`);
  const asked = async (): Promise<{ version: number; pid: number }> => {
    const before = client.frames.all.length;
    client.ws.send(JSON.stringify({ action: 'pid' }));
    const answer = (await client.frames.atLeast(before + 1)).at(-1);
    return JSON.parse(answer?.text ?? '') as { version: number; pid: number };
  };
  const first = await asked();
  await write(2);
  signalTo(gateway.pid, 'SIGHUP');
  await gateway.log.first(({ msg }) => msg === 'routes were read again');
  const second = await asked();
  assert.deepEqual([first.version, second.version], [1, 2]);
  await gone([first.pid]);
  assert.ok(isAlive(second.pid));
  signalTo(gateway.pid, 'SIGKILL');
  await gone([second.pid]);
});
