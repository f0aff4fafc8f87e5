import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ConfigError, loadConfig } from '../../src/config/load.ts';
import { options } from '../../src/config/options.ts';
import { rereadSecret } from '../../src/config/secret-files.ts';

const API_URI = 'http://localhost:3000/ws';

/** A file with these bytes. */
function fileWith(t: TestContext, bytes: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'secret-files-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'secret');
  writeFileSync(file, bytes);
  return file;
}

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const SECRETS: Readonly<Record<string, string>> = {
  BACKEND_HEADERS: '{"x-key":"abc"}',
  CONTROL_TOKEN: 'one,two',
  CONTROL_PUSH_TOKEN: 'three',
  CONTROL_READ_TOKEN: 'four',
  CLUSTER_URL: 'redis://user:secret@localhost',
  CLUSTER_CREDENTIALS: 'user:pässword',
  WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
};

test('every secret option NAME can come from the file that NAME_FILE names, and is then what it would be by itself', (t) => {
  const secrets = Object.entries(options).flatMap(([name, schema]) => ('isSecret' in schema && schema.isSecret ? [name] : []));
  assert.deepEqual(
    secrets.filter((name) => !(name in SECRETS)),
    [],
    'this test knows no value of it',
  );
  for (const name of secrets) {
    const value = SECRETS[name] ?? '';
    const direct = loadConfig({ API_URI, [name]: value });
    const byFile = loadConfig({ API_URI, [`${name}_FILE`]: fileWith(t, value) });
    assert.deepEqual(Reflect.get(byFile.config, name), Reflect.get(direct.config, name));
    assert.deepEqual(byFile.warnings, []);
    assert.equal(byFile.effective[name], '***');
    assert.match(byFile.effective[`${name}_FILE`] ?? '', /secret$/);
  }
});

test('a secret in a file is read as editors and Secrets write it', (t) => {
  for (const bytes of [
    Buffer.from('user:pässword'),
    Buffer.from('user:pässword\r\n'),
    Buffer.from('"user:pässword"\n'),
    Buffer.from('\uFEFFuser:pässword\n'),
    Buffer.from('\uFEFFuser:pässword\r\n', 'utf16le'),
    Buffer.from('\uFEFFuser:pässword\n', 'utf16le').swap16(),
  ])
    assert.equal(loadConfig({ API_URI, CLUSTER_CREDENTIALS_FILE: fileWith(t, bytes) }).config.CLUSTER_CREDENTIALS, 'user:pässword');
  assert.deepEqual(loadConfig({ API_URI, CONTROL_TOKEN_FILE: fileWith(t, 'one\ntwo\r\n\nthree,four\n') }).config.CONTROL_TOKEN, [
    'one',
    'two',
    'three',
    'four',
  ]);
});

test('a file that is missing, empty or beside the option itself is a mistake, all of them are told, and none tells a secret', (t) => {
  const hush = fileWith(t, 'hush-hush');
  const problems = problemsOf({
    API_URI,
    CONTROL_TOKEN: 'also-hush-hush',
    CONTROL_TOKEN_FILE: hush,
    CONTROL_READ_TOKEN_FILE: '/nowhere/token',
    CONTROL_PUSH_TOKEN_FILE: fileWith(t, ' \r\n'),
    BACKEND_HEADERS_FILE: hush,
    WEBHOOK_SECRETS_FILE: hush,
    CLUSTER_CREDENTIALS_FILE: tmpdir(),
  }).join('\n');
  assert.match(problems, /^CONTROL_TOKEN_FILE: must not be set beside CONTROL_TOKEN, came "\//m);
  assert.match(problems, /^CONTROL_READ_TOKEN_FILE: must be a file that this process may read \(ENOENT[^\n]*came "\/nowhere\/token"/m);
  assert.match(problems, /^CONTROL_PUSH_TOKEN_FILE: must be a file that holds something/m);
  assert.match(problems, /^BACKEND_HEADERS: must be a JSON object of strings, came a secret value$/m);
  assert.match(problems, /^WEBHOOK_SECRETS: must be whsec_ and base64[^\n]*came a secret value$/m);
  assert.match(problems, /^CLUSTER_CREDENTIALS_FILE: must be a file that this process may read \(EISDIR/m);
  assert.doesNotMatch(problems, /hush-hush/);
});

test('what is no secret has no such file, and a slip in the name of one is warned about', () => {
  const { warnings } = loadConfig({ API_URI, PORT_FILE: '/x', CONTROL_TOKN_FILE: '/x' });
  assert.deepEqual(warnings, ['CONTROL_TOKN_FILE is no option; did you mean CONTROL_TOKEN_FILE?']);
});

const read = (text: string) => (text === 'bad' ? 'must be good' : { value: text });

test('of a file that was written anew nothing is used that holds nothing, or nothing usable', () => {
  assert.deepEqual(rereadSecret(Buffer.from('\uFEFFnew\n'), read), { value: 'new' });
  assert.equal(rereadSecret(Buffer.from('\n'), read), 'must be a file that holds something');
  assert.equal(rereadSecret(Buffer.from('bad'), read), 'must be good');
});

const secret = (bytes: number, fill: number) => Buffer.alloc(bytes, fill);
const written = (bytes: Buffer) => `whsec_${bytes.toString('base64')}`;

test('secrets of webhooks are one or two, of 24 to 64 bytes in base64', () => {
  for (const bytes of [24, 32, 64])
    assert.deepEqual(loadConfig({ API_URI, WEBHOOK_SECRETS: written(secret(bytes, 1)) }).config.WEBHOOK_SECRETS, [secret(bytes, 1)]);
  const two = [secret(32, 1), secret(33, 2)];
  assert.deepEqual(loadConfig({ API_URI, WEBHOOK_SECRETS: two.map(written).join(', ') }).config.WEBHOOK_SECRETS, two);
  assert.deepEqual(loadConfig({ API_URI, WEBHOOK_SECRETS: secret(32, 1).toString('base64') }).config.WEBHOOK_SECRETS, [secret(32, 1)]);
  for (const bad of [
    written(secret(23, 1)),
    written(secret(65, 1)),
    'whsec_',
    'hush hush',
    `${written(secret(32, 1))}!`,
    [1, 2, 3].map((fill) => written(secret(32, fill))).join(','),
  ]) {
    const [problem = ''] = problemsOf({ API_URI, WEBHOOK_SECRETS: bad });
    assert.match(problem, /^WEBHOOK_SECRETS: must be .*, came a secret value$/);
    assert.ok(!problem.includes(bad.slice(6) || '\0'), problem);
  }
});
