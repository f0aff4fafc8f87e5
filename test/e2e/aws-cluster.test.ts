import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { stringify } from 'yaml';
import { startApp } from '../support/app.ts';
import { eventOf } from '../support/aws-scene.ts';
import { ACCESS_KEY_ID, SDKS, SECRET } from '../support/aws-sdks.ts';
import { startBackend } from '../support/backend.ts';
import { connect } from '../support/client.ts';
import { missing, startEngine } from '../support/engine-server.ts';
import { routesFile } from '../support/routes-file.ts';

const keyOf = (name: string) => ({ accessKeyId: `${ACCESS_KEY_ID}${name}`, secretAccessKey: SECRET });

suite('dialect aws on two nodes, over Redis', { skip: missing('redis') }, () => {
  test('any node takes @connections calls for a connection of any other, by every SDK, and for no other API', async (t) => {
    const [engine, backend] = await Promise.all([startEngine(t, 'redis'), startBackend(t, () => ({ body: '{"statusCode":200}' }))]);
    const target = { type: 'webhook', url: backend.url, answer: 'envelope' };
    const route = (name: string) => ({
      path: `/${name}`,
      dialect: 'aws',
      target,
      sigv4: { mode: 'verify', keys: [keyOf(name), ...(name === 'prod' ? [{ ...keyOf(''), accessKeyId: ACCESS_KEY_ID }] : [])] },
    });
    const { path } = await routesFile(t, stringify({ routes: [route('prod'), route('other')] }));
    const env = { ROUTES_FILE: path, CLUSTER_URL: engine.url, CLUSTER_NAME: 'aws' };
    const [here, there] = await Promise.all([startApp(t, { ...env, NODE_NAME: 'here' }), startApp(t, { ...env, NODE_NAME: 'there' })]);
    for (const sdk of SDKS) {
      if (sdk.missing !== false) continue;
      const before = backend.calls.all.length;
      const client = await connect(t, `${there.wsUrl}/prod`);
      const connect$ = eventOf(backend.calls.all[before] ?? assert.fail('$connect was not called')).requestContext;
      const { connectionId } = connect$;
      const remote = sdk.client(t, { endpoint: `${here.publicUrl}/prod` });
      assert.equal((await remote.post(connectionId, `by ${sdk.name}`)).status, 200);
      assert.equal((await client.frames.first(() => true)).text, `by ${sdk.name}`);
      const { connection = {} } = await remote.get(connectionId);
      const told = new Date(String(connection['ConnectedAt'])).getTime(); // some SDKs know whole seconds only
      assert.equal(Math.floor(told / 1_000), Math.floor(Number(connect$['connectedAt']) / 1_000), 'what only its own node knew');
      assert.equal((await remote.remove(connectionId)).status, 204);
      assert.equal((await client.ended).code, 1000);
      assert.deepEqual(await remote.post(connectionId, 'late'), { status: 410, error: 'GoneException' });
    }
    const client = await connect(t, `${there.wsUrl}/other`);
    const event = eventOf(await backend.calls.first((call) => eventOf(call).requestContext.stage === 'other'));
    const [sdk] = SDKS;
    const stranger = sdk?.client(t, { endpoint: here.publicUrl });
    assert.deepEqual(await stranger?.post(event.requestContext.connectionId, 'not yours'), { status: 410, error: 'GoneException' });
    assert.deepEqual(client.frames.all, []);
  });
});
