import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { readRoutesFile } from '../../../src/routes/file.ts';
import { startApp } from '../../support/app.ts';
import { connect } from '../../support/client.ts';
import { routesFile } from '../../support/routes-file.ts';

const page = await readFile(new URL('../../../docs/dialects/aws-targets.md', import.meta.url), 'utf8');

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text);
}

test('every example of docs/dialects/aws-targets.md is a routes file', async (t) => {
  const examples = blocks('yaml');
  assert.equal(examples.length, 6);
  for (const example of examples) assert.equal((await readRoutesFile((await routesFile(t, example)).path)).length, 1);
});

test('the handler of docs/dialects/aws-targets.md runs with the routes file below it', async (t) => {
  const [handler = ''] = blocks('js');
  const example = blocks('yaml').find((text) => text.includes('TABLE')) ?? '';
  const { path } = await routesFile(t, example);
  const file = join(dirname(path), 'handlers/chat.js');
  await mkdir(dirname(file));
  await writeFile(file, handler);
  const gateway = await startApp(t, { ROUTES_FILE: path });
  const client = await connect(t, `${gateway.wsUrl}/dev`);
  client.ws.send('hello');
  assert.equal((await client.frames.first(() => true)).text, 'chat: hello');
  const line = await gateway.log.first(({ text }) => String(text).startsWith('$default '));
  assert.match(String(line['text']), new RegExp(`^\\$default ${String(line['requestId'])} \\d+$`));
});
