import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError, loadConfig } from '../../src/config/load.ts';
import { lockedKey, startAuthority } from '../support/authority.ts';

const API_URI = 'http://localhost:3000/ws';

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig({ API_URI, ...env });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('files of TLS that cannot be served with are mistakes of the start: each is told, with its variable, what was wanted and what came', async (t) => {
  const ca = await startAuthority(t);
  const [own, other] = await Promise.all([ca.issue('own'), ca.issue('other')]);
  const file = (name: string, text: string | Buffer): string => {
    const path = join(ca.folder, name);
    writeFileSync(path, text);
    return path;
  };
  const encrypted = file('encrypted.key', lockedKey(own.key, 'hush'));
  const good = { TLS_CERT_FILE: own.certFile, TLS_KEY_FILE: own.keyFile };
  assert.deepEqual(problemsOf(good), []);
  assert.deepEqual(problemsOf({ ...good, TLS_CLIENT_CA_FILE: ca.certFile }), []);
  const chain = file('chain.pem', Buffer.from(`\uFEFF# a word before\r\n${own.cert}\n${ca.cert}`));
  assert.deepEqual(problemsOf({ ...good, TLS_CERT_FILE: chain }), [], 'a chain, with what editors add');

  const bad: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ TLS_CERT_FILE: own.certFile }, /^TLS_KEY_FILE: is needed beside TLS_CERT_FILE, nothing came$/],
    [{ TLS_KEY_FILE: own.keyFile }, /^TLS_CERT_FILE: is needed beside TLS_KEY_FILE, nothing came$/],
    [{ TLS_CLIENT_CA_FILE: ca.certFile }, /^TLS_CLIENT_CA_FILE: needs TLS_CERT_FILE and TLS_KEY_FILE/],
    [{ ...good, TLS_CERT_FILE: '/nowhere' }, /^TLS_CERT_FILE: must be a file that this process may read \(ENOENT.*came "\/nowhere"$/],
    [{ ...good, TLS_CERT_FILE: own.keyFile }, /^TLS_CERT_FILE: must hold a certificate in PEM/],
    [{ ...good, TLS_KEY_FILE: own.certFile }, /^TLS_KEY_FILE: must hold a private key in PEM/],
    [{ ...good, TLS_KEY_FILE: other.keyFile }, /^TLS_KEY_FILE: must hold the key of the first certificate in TLS_CERT_FILE/],
    [{ ...good, TLS_KEY_FILE: encrypted }, /^TLS_KEY_FILE: must hold a private key without a passphrase/],
    [{ ...good, TLS_KEY_FILE: file('half', own.key.slice(0, 100)) }, /^TLS_KEY_FILE: must hold a private key in PEM/],
    [
      { ...good, TLS_CERT_FILE: file('cut', own.cert + ca.cert.replace(/\n.{10}/, '\n')) },
      /^TLS_CERT_FILE: must hold certificates in PEM; number 2 cannot be read/,
    ],
    [{ ...good, TLS_CLIENT_CA_FILE: own.certFile }, /^TLS_CLIENT_CA_FILE: must hold the authority at the root/],
    [{ ...good, TLS_CLIENT_CA_FILE: file('empty', '') }, /^TLS_CLIENT_CA_FILE: must hold a certificate in PEM/],
  ];
  for (const [env, wanted] of bad) {
    const problems = problemsOf(env);
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] ?? '', wanted);
  }
  const three = problemsOf({ TLS_CERT_FILE: file('no', 'no'), TLS_KEY_FILE: file('none', 'none'), TLS_CLIENT_CA_FILE: '/nowhere' });
  assert.equal(three.length, 1, 'what cannot be read comes first');
});
