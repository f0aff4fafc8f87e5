import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { WebhookSigner } from '../../src/wire/signing.ts';

const [first, second] = [Buffer.alloc(24, 1), Buffer.alloc(64, 2)] as const;
const written = (secret: Buffer) => `whsec_${secret.toString('base64')}`;

/** The headers of a call as they come to a backend. */
function sent(signer: WebhookSigner, body: Buffer | string | null, headers = ['ws-event', 'message', 'ws-event-id', 'key.7']) {
  const flat = signer.headersOf({ headers, body });
  return Object.fromEntries(Array.from({ length: flat.length / 2 }, (_none, index) => [flat[2 * index] ?? '', flat[2 * index + 1] ?? '']));
}

test('the library of Standard Webhooks takes what is signed here, and nothing that was changed', () => {
  const signer = new WebhookSigner([first], Date.now);
  const hook = new Webhook(written(first));
  for (const body of ['{"a":"ü€😀"}', '', Buffer.from('{"b":1}'), Buffer.from('"héllo"'), '"\ud800 alone"'.toWellFormed()]) {
    const headers = sent(signer, body);
    const text = body.toString();
    if (text !== '') assert.deepEqual(hook.verify(text, headers), JSON.parse(text));
    for (const changed of [
      { ...headers, 'webhook-id': 'key.8' },
      { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) },
      { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) - 3_600) },
    ])
      assert.throws(() => hook.verify(text, changed));
    assert.throws(() => hook.verify(`${text} `, headers));
    assert.throws(() => new Webhook(written(second)).verify(text, headers));
  }
});

test('any bytes are signed as they are, and no body is signed as an empty one', () => {
  const signer = new WebhookSigner([first], () => 1_800_000_000_000);
  const id = 'key.7';
  const bytes = Buffer.from([0, 255, 0xc3, 0x28, 10]);
  const library = new Webhook(written(first));
  assert.notEqual(sent(signer, bytes)['webhook-signature'], sent(signer, bytes.toString())['webhook-signature']);
  assert.equal(sent(signer, null)['webhook-signature'], library.sign(id, new Date(1_800_000_000_000), ''));
  assert.equal(sent(signer, 'plain')['webhook-signature'], library.sign(id, new Date(1_800_000_000_000), 'plain'));
});

test('with two secrets either of them verifies, and a secret may be replaced at any time', () => {
  const signer = new WebhookSigner([first, second], Date.now);
  const both = sent(signer, '{}');
  assert.equal((both['webhook-signature'] ?? '').split(' ').length, 2);
  for (const secret of [first, second]) assert.deepEqual(new Webhook(written(secret)).verify('{}', both), {});
  signer.replace([second]);
  const after = sent(signer, '{}');
  assert.throws(() => new Webhook(written(first)).verify('{}', after));
  assert.deepEqual(new Webhook(written(second)).verify('{}', after), {});
});

test('a call that tells of no event is sent as it is', () => {
  const headers = ['x-amz-date', '20261129T000000Z'];
  assert.equal(new WebhookSigner([first], Date.now).headersOf({ headers, body: '{}' }), headers);
});

test('id and headers stay, the time is that of each sending', () => {
  let now = 1_800_000_000_999;
  const signer = new WebhookSigner([first], () => now);
  const headers = ['ws-event-id', 'key.close', 'x-a', 'b'];
  const once = sent(signer, '', headers);
  now += 5_000;
  const again = sent(signer, '', headers);
  assert.deepEqual([once['webhook-timestamp'], again['webhook-timestamp']], ['1800000000', '1800000005']);
  assert.deepEqual([once['webhook-id'], again['webhook-id'], again['x-a']], ['key.close', 'key.close', 'b']);
  assert.notEqual(once['webhook-signature'], again['webhook-signature']);
  assert.deepEqual(headers, ['ws-event-id', 'key.close', 'x-a', 'b'], 'the call itself is not changed: it may be sent again');
});
