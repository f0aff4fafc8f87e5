import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

const PROGRAMS = [
  'chat-backend.mjs',
  'php/backend.php',
  'python/backend.py',
  'raw/backend.php',
  'ocpp/central-system.mjs',
  'rooms/room-server.mjs',
  'signed/backend.mjs',
  'signed/backend.py',
  'signed/backend.php',
  'streams/consumer.mjs',
  'streams/consumer.py',
  'aws/server.mjs',
];

for (const name of PROGRAMS) {
  test(`examples/${name} has fewer than 60 lines, and its header names the commands that run it`, async () => {
    const text = await readFile(new URL(`../../examples/${name}`, import.meta.url), 'utf8');
    const lines = text.trimEnd().split('\n');
    assert.ok(lines.length < 60, `${lines.length} lines`);
    const header = lines.slice(0, 12).join('\n');
    assert.match(header, new RegExp(`(node|php|python3) .*examples/${name}`));
    assert.match(header, /(API_URI|ROUTES_FILE)=\S+ npm start/);
  });
}
