import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect, refusal } from '../support/client.ts';
import { startDev } from '../support/dev-session.ts';
import { MAIN } from '../support/gateway.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));

/** Its stand-in is a folder; gone with the test. */
function tableOf(t: TestContext): string {
  const name = `wsaas-test-${randomUUID()}`;
  t.after(() => rm(join(tmpdir(), name), { recursive: true, force: true }));
  return name;
}

suite('samples of AWS run unmodified by wsaas dev', { concurrency: 1 }, () => {
  test('a chat with a table of connections, from a serverless.yml: the handler posts by the SDK over TLS to who is there, and forgets who is gone', async (t) => {
    const table = tableOf(t);
    const session = await startDev(t, join(EXAMPLES, 'aws-chat/serverless.yml'), { shell: { CHAT_TABLE: table } });
    assert.deepEqual([...session.urls.keys()], ['dev-aws-chat-websockets']);
    assert.match(session.url, /^ws:\/\/localhost:\d+\/dev$/);
    const ada = await connect(t, `${session.url}?name=Ada`);
    const bob = await connect(t, `${session.url}/?name=Bob`);
    ada.ws.send(JSON.stringify({ action: 'send', text: 'hello' }));
    for (const client of [ada, bob])
      assert.deepEqual(JSON.parse((await client.frames.first(() => true)).text), { name: 'Ada', text: 'hello' });

    bob.ws.close(4001, 'bye');
    const left = await session.ran.first(({ routeKey }) => routeKey === '$disconnect');
    const { requestContext } = JSON.parse(left.event) as { requestContext: Record<string, unknown> };
    assert.deepEqual([requestContext['disconnectStatusCode'], requestContext['disconnectReason']], [4001, 'bye']);

    ada.ws.send(JSON.stringify({ text: 'alone' })); // no action: $default
    await ada.frames.atLeast(2);
    const sent = await session.ran.atLeast(2, ({ routeKey }) => routeKey === 'send' || routeKey === '$default');
    assert.deepEqual(
      sent.map(({ routeKey, result }) => [routeKey, result]),
      [
        ['send', '200'],
        ['$default', '200'],
      ],
    );
    assert.ok(sent.every(({ durationMs, answer }) => durationMs > 0 && answer.includes('Data sent.')));

    await session.close();
    assert.equal((await ada.ended).code, 1001);
    assert.equal(
      session.ran.all.filter(({ routeKey }) => routeKey === '$disconnect').length,
      2,
      'the end of the session is told to handlers, too',
    );
  });

  test('a table that knows somebody who is gone: the SDK throws GoneException, and the chat goes on', async (t) => {
    const table = tableOf(t);
    const { put, ids } = await tableModule(table);
    await put('AAAAAAAAAAAAAAA=', { name: 'ghost' });
    const session = await startDev(t, join(EXAMPLES, 'aws-chat/serverless.yml'), { shell: { CHAT_TABLE: table } });
    const ada = await connect(t, `${session.url}?name=Ada`);
    ada.ws.send(JSON.stringify({ action: 'send', text: 'anybody?' }));
    await ada.frames.first(({ text }) => text.includes('anybody?'));
    await session.ran.first(({ routeKey }) => routeKey === 'send');
    assert.equal((await ids()).length, 1, 'the ghost is out of the table');
  });

  test('an authorizer, from a SAM template with TypeScript handlers: 401, 403, and what it says of a client is in its events', async (t) => {
    const session = await startDev(t, join(EXAMPLES, 'aws-authorizer/template.yaml'), { parameters: { Password: 'sesame' } });
    assert.equal((await refusal(t, session.url)).status, 401, 'without an identity nobody is asked');
    assert.equal(session.ran.all.length, 0);
    assert.equal((await refusal(t, `${session.url}?token=nobody.x`)).status, 401);
    assert.equal((await refusal(t, `${session.url}?token=ada.let-me-in`)).status, 403);
    const ada = await connect(t, `${session.url}?token=ada.sesame`);
    ada.ws.send(JSON.stringify({ action: 'whoami' }));
    assert.deepEqual(JSON.parse((await ada.frames.first(() => true)).text), { name: 'ada', role: 'admin' });
    assert.deepEqual(
      session.ran.all.map(({ routeKey, result }) => `${routeKey} ${result}`),
      ['authorizer threw Error: Unauthorized', 'authorizer Deny', 'authorizer Allow', '$connect 200', 'whoami 200'],
    );
    ada.ws.send(JSON.stringify({ action: 'unknown' }));
    assert.match((await ada.frames.first(({ text }) => text.includes('message'))).text, /"message": "Forbidden"/);
  });

  test('a broadcast, from what the CDK synthesized: all but the sender hear it, and who asks to leave is closed by the SDK', async (t) => {
    const session = await startDev(t, join(EXAMPLES, 'aws-broadcast/cdk.out'), { parameters: { Table: tableOf(t) } });
    assert.match(session.url, /\/prod$/);
    const [ada, bob, eve] = [await connect(t, session.url), await connect(t, session.url), await connect(t, session.url)];
    ada.ws.send('to all');
    for (const client of [bob, eve]) assert.equal((await client.frames.first(() => true)).text, 'to all');
    bob.ws.send(JSON.stringify({ action: 'leave' }));
    assert.equal((await bob.ended).code, 1000);
    const left = await session.ran.first(({ routeKey }) => routeKey === '$disconnect');
    assert.match(left.event, /"disconnectStatusCode":1000,.*"disconnectReason":"Connection Closed Normally"/);
    eve.ws.send('after');
    assert.equal((await ada.frames.first(() => true)).text, 'after');
    assert.equal(ada.frames.all.length, 1);
  });
  test('the test that the chat brings along passes', async () => {
    const file = join(EXAMPLES, 'aws-chat/test/chat.test.mjs');
    const { NODE_TEST_CONTEXT: _ours, ...env } = process.env; // else it would report to this runner
    const { stdout } = await promisify(execFile)(process.execPath, ['--test', file], { env: { ...env, WSAAS_MAIN: MAIN } });
    assert.match(stdout, /pass 1\n/);
  });
});

async function tableModule(table: string): Promise<{ put: (id: string, item: object) => Promise<void>; ids: () => Promise<string[]> }> {
  process.env['TABLE'] = table;
  const loaded = (await import(join(EXAMPLES, 'aws-chat/src/table.js'))) as { default: Awaited<ReturnType<typeof tableModule>> };
  delete process.env['TABLE'];
  return loaded.default;
}
