import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readers } from '../../src/config/forms.ts';

test('a secret in a file is read as editors and Secrets write it; an empty or missing file is a mistake', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'secret-file-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'secret');
  for (const bytes of [
    Buffer.from('user:pässword'),
    Buffer.from('user:pässword\r\n'),
    Buffer.from('\uFEFFuser:pässword\n'),
    Buffer.from('\uFEFFuser:pässword\r\n', 'utf16le'),
    Buffer.from('\uFEFFuser:pässword\n', 'utf16le').swap16(),
  ]) {
    writeFileSync(file, bytes);
    assert.deepEqual(readers['secret-file'](file), { value: 'user:pässword' });
  }
  writeFileSync(file, '\r\n');
  assert.equal(readers['secret-file'](file), 'must be a file that holds something');
  assert.match(JSON.stringify(readers['secret-file'](join(folder, 'none'))), /ENOENT/);
});
