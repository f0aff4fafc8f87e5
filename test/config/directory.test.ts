import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { AROUND, MAIN, startGateway } from '../support/gateway.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'directory-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

function checkConfig(directory: string): { readonly status: number | null; readonly stderr: string } {
  const env = { ...AROUND, API_URI: 'http://localhost:1', JOURNAL_DIR: directory };
  const { status, stderr } = spawnSync(process.execPath, [MAIN, '--check-config'], { env, encoding: 'utf8', timeout: 20_000 });
  return { status, stderr };
}

test('--check-config makes no directory; the journal makes it, for its user alone', async (t) => {
  const directory = join(folder(t), 'of', 'journals');
  assert.equal(checkConfig(directory).status, 0);
  assert.equal(existsSync(directory), false);
  await startGateway(t, { API_URI: 'http://localhost:1', JOURNAL_DIR: directory });
  assert.equal(statSync(directory).mode & 0o777, 0o700);
});

test('what cannot be a directory is a mistake, said at once and in one line', (t) => {
  const file = join(folder(t), 'file');
  writeFileSync(file, '');
  for (const directory of [file, join(file, 'below'), '/proc/x', '/dev/null']) {
    const { status, stderr } = checkConfig(directory);
    assert.equal(status, 78, directory);
    assert.match(stderr, /^1 problem in the configuration:\n {2}JOURNAL_DIR: must be a directory[^\n]*\n$/, directory);
  }
});
