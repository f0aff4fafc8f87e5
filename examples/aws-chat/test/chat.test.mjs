// A test of the whole chat, handlers and all, as a service's own tests would have it:
//   node --test examples/aws-chat/test/chat.test.mjs

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const TEMPLATE = fileURLToPath(new URL('../serverless.yml', import.meta.url));
const WSAAS = process.env.WSAAS_MAIN ?? fileURLToPath(new URL('../../../dist/main.js', import.meta.url));

/** Starts the service on a free port; resolves with where clients connect. */
async function startService(t) {
  const env = { ...process.env, CHAT_TABLE: `chat-test-${process.pid}` };
  const service = spawn(process.execPath, [WSAAS, 'dev', TEMPLATE, '--port', '0', '--json'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    service.kill();
    await once(service, 'close');
  });
  for await (const line of createInterface({ input: service.stdout })) {
    const [url] = /ws:[^"]+/.exec(line) ?? [];
    if (url === undefined) continue;
    service.stdout.resume(); // the rest is read by nobody
    return url;
  }
  throw new Error('the service did not start');
}

test('what one says everybody hears', async (t) => {
  const url = await startService(t);
  const [ada, bob] = [new WebSocket(`${url}?name=Ada`), new WebSocket(`${url}?name=Bob`)];
  await Promise.all([once(ada, 'open'), once(bob, 'open')]);
  const heard = [once(ada, 'message'), once(bob, 'message')];
  ada.send(JSON.stringify({ action: 'send', text: 'hello' }));
  for (const [{ data }] of await Promise.all(heard)) assert.deepEqual(JSON.parse(data), { name: 'Ada', text: 'hello' });
  ada.close();
  bob.close();
});
