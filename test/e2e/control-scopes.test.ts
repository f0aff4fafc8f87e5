import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startApp, type AppGateway } from '../support/app.ts';
import { ask } from '../support/ask.ts';
import { startBackend } from '../support/backend.ts';
import { connect } from '../support/client.ts';
import { isEvent } from '../support/guests.ts';

const TOKENS = { CONTROL_ALLOW: '', CONTROL_TOKEN: 'all,read:it', CONTROL_PUSH_TOKEN: 'push,both', CONTROL_READ_TOKEN: 'read,both' };

async function scene(t: TestContext, env: Record<string, string>): Promise<{ gateway: AppGateway; id: string }> {
  const backend = await startBackend(t);
  const gateway = await startApp(t, { API_URI: backend.url, ...env });
  await connect(t, gateway.wsUrl);
  return { gateway, id: String((await backend.calls.first(isEvent('open'))).headers['ws-connection']) };
}

const statusOf = async (gateway: AppGateway, [method, path]: readonly [string, string], token: string | null): Promise<number> => {
  const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  return (await ask(gateway.controlUrl + path, { method, headers, body: method === 'GET' ? '' : 'x=1' })).status;
};

const isIn = (status: number) => status !== 401 && status !== 403;

test('a token is good for what its scope says, and for nothing else', async (t) => {
  const { gateway, id } = await scene(t, TOKENS);
  const reading: (readonly [string, string])[] = [
    ['GET', '/status'],
    ['GET', '/tree'],
    ['GET', '/count?all=true'],
    ['GET', '/metrics'],
  ];
  const pushing: (readonly [string, string])[] = [
    ['PUT', `/${id}`],
    ['POST', '/send?all=true'],
    ['POST', '/settags?id=nobody'],
    ['POST', '/close?id=nobody'],
    ['DELETE', '/nobody'],
    ['PATCH', `/${id}`],
  ];
  const describing = [['GET', `/${id}`]] as const;
  for (const [token, scopes] of Object.entries({ all: 'rpd', 'read:it': 'rpd', both: 'rpd', push: 'pd', read: 'rd' })) {
    for (const [scope, asked] of [
      ['r', reading],
      ['p', pushing],
      ['d', describing],
    ] as const)
      for (const one of asked) {
        const status = await statusOf(gateway, one, token);
        assert.deepEqual([token, one, isIn(status)], [token, one, scopes.includes(scope)], String(status));
        if (!isIn(status)) assert.equal(status, 403, 'it is known, and not good for this');
      }
  }
  for (const token of ['it', 'read:', 'push,both', 'al', 'alll', '', 'ALL', null])
    for (const one of [...reading, ...pushing, ...describing])
      assert.deepEqual([token, one, await statusOf(gateway, one, token)], [token, one, 401]);
});

test('the answer to a token that is not good for something says what is wanted (RFC 6750 §3.1), and tells no token', async (t) => {
  const { gateway, id } = await scene(t, TOKENS);
  const pushed = await ask(`${gateway.controlUrl}/${id}`, { method: 'PUT', body: 'x', headers: { authorization: 'Bearer read' } });
  assert.deepEqual([pushed.status, pushed.headers['www-authenticate']], [403, 'Bearer error="insufficient_scope", scope="push"']);
  assert.deepEqual(JSON.parse(pushed.body), { code: 'FORBIDDEN', message: 'this token is good for read, and not for this' });
  const read = await ask(`${gateway.controlUrl}/status`, { headers: { authorization: 'Bearer push' } });
  assert.equal(read.headers['www-authenticate'], 'Bearer error="insufficient_scope", scope="read"');
  const none = await ask(`${gateway.controlUrl}/status`);
  assert.deepEqual([none.status, none.headers['www-authenticate']], [401, 'Bearer']);
});

test('a token of one scope alone is demanded from everybody, too', async (t) => {
  const { gateway, id } = await scene(t, { CONTROL_ALLOW: '', CONTROL_READ_TOKEN: 'read' });
  assert.equal(await statusOf(gateway, ['GET', '/status'], 'read'), 200);
  assert.equal(await statusOf(gateway, ['PUT', `/${id}`], null), 401);
  assert.equal(await statusOf(gateway, ['PUT', `/${id}`], 'read'), 403);
  assert.equal(await statusOf(gateway, ['GET', '/livez'], null), 200);
});
