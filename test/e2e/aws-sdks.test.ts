import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startAws } from '../support/aws-scene.ts';
import { ACCESS_KEY_ID, SDKS, SECRET } from '../support/aws-sdks.ts';

const sigv4 = { mode: 'verify', keys: [{ accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET }] };
const GONE = 'AAAAAAAAAAAAAAA=';

for (const { name, missing, client: clientOf } of SDKS) {
  suite(`the unmodified ${name}`, { skip: missing }, () => {
    test('posts, gets and deletes with a verified signature: with a stage, without, with a slash at the end', async (t) => {
      const { gateway, enter, event } = await startAws(t, {
        route: { sigv4, maxMessageBytes: 120_000, sendBufferBytes: 130_000 },
        env: { CONTROL_ALLOW: '' },
      });
      const client = await enter();
      const bytes = Buffer.from([0, 255, 254]);
      const sdk = clientOf(t, { endpoint: `${gateway.publicUrl}/prod` });
      for (const endpoint of [gateway.publicUrl, `${gateway.publicUrl}/prod/`]) {
        const { status, error } = await clientOf(t, { endpoint }).post(client.id, endpoint);
        assert.deepEqual([status, error], [200, null], endpoint);
      }
      assert.equal((await sdk.post(client.id, 'ünï ☃')).status, 200);
      assert.equal((await sdk.post(client.id, bytes)).status, 200);
      assert.equal((await sdk.post(client.id, '')).status, 200);
      const frames = await client.frames.atLeast(5);
      assert.deepEqual(
        frames.slice(0, 3).map(({ text }) => text),
        [gateway.publicUrl, `${gateway.publicUrl}/prod/`, 'ünï ☃'],
      );
      assert.deepEqual([frames[3]?.data, frames[3]?.isBinary], [bytes, true]);
      assert.deepEqual([frames[4]?.text, frames[4]?.isBinary], ['', false]);

      const { status, connection = {} } = await sdk.get(client.id);
      assert.equal(status, 200);
      assert.equal((connection['Identity'] as { SourceIp: string }).SourceIp, '127.0.0.1');
      for (const field of ['ConnectedAt', 'LastActiveAt'])
        assert.ok(Math.abs(new Date(String(connection[field])).getTime() - Date.now()) < 60_000, field);

      assert.deepEqual(await sdk.post(client.id, 'x'.repeat(120_001)), { status: 413, error: 'PayloadTooLargeException' });
      for (const gone of [await sdk.post(GONE, 'x'), await sdk.get(GONE), await sdk.remove(GONE)])
        assert.deepEqual(gone, { status: 410, error: 'GoneException' });

      client.ws.pause();
      let slow = await sdk.post(client.id, 'x'.repeat(120_000));
      while (slow.status === 200) slow = await sdk.post(client.id, 'x'.repeat(120_000));
      assert.deepEqual(slow, { status: 429, error: 'LimitExceededException' });
      client.ws.resume();

      const deleted = await sdk.remove(client.id);
      assert.deepEqual([deleted.status, deleted.error], [204, null]);
      assert.equal((await client.ended).code, 1000);
      assert.equal((await event('DISCONNECT')).requestContext.disconnectStatusCode, 1000);
      assert.deepEqual(await sdk.post(client.id, 'late'), { status: 410, error: 'GoneException' });

      const forged = clientOf(t, { endpoint: `${gateway.publicUrl}/prod`, secretAccessKey: 'not the secret' });
      assert.deepEqual(await forged.post(GONE, 'x'), { status: 403, error: 'InvalidSignatureException' });
    });
  });
}
