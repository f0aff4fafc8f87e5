import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { suite, test, type TestContext } from 'node:test';
import { startApp } from '../support/app.ts';
import { ask } from '../support/ask.ts';
import { connect, refusal } from '../support/client.ts';
import { startProgram, type Program } from '../support/program.ts';
import { findProgram, lacks } from './programs.ts';

const SECRETS = [1, 2, 3].map((fill) => Buffer.alloc(32, fill)) as [Buffer, Buffer, Buffer];
const written = (secrets: readonly Buffer[]) => secrets.map((secret) => `whsec_${secret.toString('base64')}`).join(',');
const fileOf = (name: string) => fileURLToPath(new URL(`../../examples/signed/${name}`, import.meta.url));

type Language = { readonly programs: readonly string[]; readonly package: string; readonly argv: readonly string[]; readonly url: RegExp };

const SAYS = /^signed backend: (http:\S+)/;
const LANGUAGES: Readonly<Record<string, Language>> = {
  Node: { programs: [process.execPath], package: 'nodejs', argv: [fileOf('backend.mjs')], url: SAYS },
  Python: { programs: ['python3', 'python'], package: 'python3', argv: [fileOf('backend.py')], url: SAYS },
  PHP: { programs: ['php'], package: 'php-cli', argv: ['-S', '127.0.0.1:0', fileOf('backend.php')], url: /\((http:\S+)\) started/ },
  Go: { programs: ['go'], package: 'golang-go', argv: [], url: SAYS },
};

suite('examples/signed', { concurrency: 2 }, () => {
  for (const [name, language] of Object.entries(LANGUAGES)) {
    test(`a backend in ${name} takes what the gateway signs, with an old secret and a new one, and nothing else`, async (t) => {
      const command = name === 'Node' ? process.execPath : findProgram(language.programs);
      if (command === null) return lacks(t, name, language.package);
      const backend = await run(t, { ...language, command, secrets: written(SECRETS.slice(0, 2)) });
      for (const gatewaySecrets of [[SECRETS[0]], [SECRETS[2], SECRETS[1]]]) {
        const gateway = await startApp(t, { API_URI: backend.url, WEBHOOK_SECRETS: written(gatewaySecrets) });
        const client = await connect(t, gateway.wsUrl);
        client.ws.send('grüß Gott');
        assert.equal((await client.frames.first(() => true)).text, 'You said: grüß Gott');
      }
      const stranger = await startApp(t, { API_URI: backend.url, WEBHOOK_SECRETS: written([SECRETS[2]]) });
      assert.equal((await refusal(t, stranger.wsUrl)).status, 401);
      assert.equal((await refusal(t, (await startApp(t, { API_URI: backend.url })).wsUrl)).status, 401);
      await onlyWhatIsSigned(backend.url);
    });
  }
});

async function run(t: TestContext, { command, argv, url, secrets }: Language & { command: string; secrets: string }): Promise<Program> {
  process.env['WEBHOOK_SECRETS'] = secrets;
  const built = command.endsWith('/go') ? await goProgram(t, command) : command; // `go run` leaves its child behind when it is killed
  return startProgram(t, { command: built, argv, url });
}

async function goProgram(t: TestContext, go: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'signed-go-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const env = { ...process.env, GOCACHE: join(tmpdir(), 'wsaas-go-cache'), GO111MODULE: 'off' }; // one file, nothing to fetch
  await promisify(execFile)(go, ['build', '-o', join(folder, 'backend'), fileOf('backend.go')], { env, timeout: 120_000 });
  return join(folder, 'backend');
}

/** Each of these differs from a sound call in one thing. */
async function onlyWhatIsSigned(url: string): Promise<void> {
  const body = '{"code":"NEW_CONNECTION"}';
  const now = Math.floor(Date.now() / 1_000);
  const signed = (own: { id?: string; time?: string; event?: string; secret?: Buffer; version?: string; sent?: string }) => {
    const { id = 'key.0', time = String(now), secret = SECRETS[1], version = 'v1' } = own;
    const signature = createHmac('sha256', secret).update(`${id}.${time}.${body}`).digest('base64');
    return {
      method: 'POST',
      body: own.sent ?? body,
      headers: {
        'content-type': 'application/json',
        'content-length': String((own.sent ?? body).length),
        'ws-event-id': own.event ?? id,
        'webhook-id': id,
        'webhook-timestamp': time,
        'webhook-signature': `v1,bm9wZQ== v2,abc ${version},${signature}`,
      },
    };
  };
  assert.equal((await ask(url, signed({}))).status, 200);
  const odd = {
    'another secret': { secret: SECRETS[2] },
    'an empty secret': { secret: Buffer.alloc(0) },
    'another version': { version: 'v2' },
    'a body that was changed': { sent: body.replace('NEW', 'OLD') },
    'another event': { event: 'key.1' },
    'a time long past': { time: String(now - 400) },
    'a time to come': { time: String(now + 400) },
    'no time': { time: '' },
    'a time that is none': { time: 'soon' },
    'a time with a fraction behind it': { time: `${now}.x` },
  };
  for (const [what, own] of Object.entries(odd)) assert.equal((await ask(url, signed(own))).status, 401, what);
  assert.equal((await ask(url, { method: 'POST', body, headers: { 'content-length': String(body.length) } })).status, 401, 'no signature');
}
