import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** A start read 1,300 files before the program was bundled. */
const MOST_FILES = 40;

/** Says at the end how many files were loaded. */
const COUNTING = `
  import { registerHooks } from 'node:module';
  const files = new Set();
  registerHooks({ load: (url, context, next) => (url.startsWith('file:') && files.add(url), next(url, context)) });
  process.on('exit', () => process.stderr.write('files: ' + files.size));
`;

test('the program needs nothing of node_modules, and a start of it reads few files', { timeout: 30_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wsaas-build-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const part of ['dist', 'package.json']) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  const counting = `data:text/javascript,${encodeURIComponent(COUNTING)}`;
  const child = spawn(process.execPath, ['--import', counting, join(folder, 'dist/main.js')], {
    cwd: '/', // no .env
    env: { HOST: '127.0.0.1', PORT: '0', API_URI: 'http://127.0.0.1:9', DRAIN_MS: '0' },
  });
  t.after(() => child.kill('SIGKILL'));
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += String(chunk)));
  child.stdout.on('data', (chunk) => String(chunk).includes('"wsaas serves"') && child.kill('SIGTERM'));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, errors);
  const files = Number(/files: (\d+)/.exec(errors)?.[1]);
  assert.ok(files > 3 && files <= MOST_FILES, `${files} files were read`);
});
