import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { generatedFiles, readFromRoot } from '../tools/generate/main.ts';

test('every generated file is what `npm run generate` would write now', async () => {
  const files = await generatedFiles(readFromRoot);
  const stale = Object.entries(files).filter(([path, content]) => readFromRoot(path) !== content);
  assert.deepEqual(
    stale.map(([path]) => path),
    [],
    'stale: run npm run generate',
  );
});

test('the OpenAPI document is valid', async () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const { stderr, stdout } = await promisify(execFile)(process.execPath, ['node_modules/@redocly/cli/bin/cli.js', 'lint', 'openapi.yaml'], {
    cwd: root,
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  });
  assert.match(stdout + stderr, /Your API description is valid/);
  assert.doesNotMatch(stdout + stderr, /warning/i);
});
