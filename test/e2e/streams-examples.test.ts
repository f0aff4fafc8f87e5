import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test, type TestContext } from 'node:test';
import { findProgram, lacks } from '../examples/programs.ts';
import { startApp } from '../support/app.ts';
import { connect } from '../support/client.ts';
import { missing, startEngine } from '../support/engine-server.ts';
import { startProgram } from '../support/program.ts';
import { routesFile } from '../support/routes-file.ts';

const skip = missing('redis');
const FOLDER = new URL('../../examples/streams/', import.meta.url);

/** The example's own routes file, and its consumer, with the Redis of the test. */
async function echoes(t: TestContext, command: string, program: string): Promise<void> {
  const engine = await startEngine(t, 'redis');
  const consumer = await startProgram(t, {
    command: '/usr/bin/env',
    argv: [`REDIS_URL=${engine.url}`, `REDIS_PORT=${engine.port}`, command, fileURLToPath(new URL(program, FOLDER))],
    url: /^(echo consumer: reads connectionevents)$/,
  });
  assert.equal(consumer.lines.all.length, 1);
  const text = await readFile(new URL('routes.yaml', FOLDER), 'utf8');
  const { path } = await routesFile(t, text.replace('redis://127.0.0.1:6379', engine.url));
  const gateway = await startApp(t, { ROUTES_FILE: path });
  const client = await connect(t, `${gateway.wsUrl}/anywhere`);
  await client.frames.first(({ text: word }) => word === 'Welcome');
  client.ws.send('grüß Gott');
  client.ws.send(Buffer.from([0, 255]));
  await client.frames.atLeast(3);
  assert.deepEqual(
    client.frames.all.map(({ data, isBinary }) => (isBinary ? data.toString('latin1') : data.toString())),
    ['Welcome', 'You said: grüß Gott', 'You said: \0\xff'],
  );
}

test('examples/streams: a consumer in Node greets and echoes by a stream of commands', { skip }, async (t) => {
  await echoes(t, process.execPath, 'consumer.mjs');
});

test('examples/streams: one in Python, without a library, does the same', { skip }, async (t) => {
  const python = findProgram(['python3', 'python']);
  if (python === null) return lacks(t, 'Python', 'python3');
  await echoes(t, python, 'consumer.py');
});

for (const program of ['consumer.mjs', 'consumer.py']) {
  test(`examples/streams/${program} has fewer than 40 lines`, async () => {
    const lines = (await readFile(new URL(program, FOLDER), 'utf8')).trimEnd().split('\n').length;
    assert.ok(lines < 40, `${lines} lines`);
  });
}
