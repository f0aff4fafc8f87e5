import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test, type TestContext } from 'node:test';
import { findProgram, lacks } from '../examples/programs.ts';
import { startGateway } from '../support/gateway.ts';
import { startProgram, type Program } from '../support/program.ts';

const PHP_BACKEND = fileURLToPath(new URL('../../examples/php/backend.php', import.meta.url));
const PYTHON_BACKEND = fileURLToPath(new URL('../../examples/python/backend.py', import.meta.url));
const PYTHON_CLIENT = fileURLToPath(new URL('python-client.py', import.meta.url));

test("a backend on PHP's single-threaded server and a client in Python do the five exchanges", async (t) => {
  const php = findProgram(['php']);
  if (php === null) return lacks(t, 'PHP', 'php-cli');
  const python = findPythonWithWebsockets();
  if (python === null) return lacks(t, "a Python with the module 'websockets'", 'python3-websockets');
  const backend = await startProgram(t, { command: php, argv: ['-S', '127.0.0.1:0', PHP_BACKEND], url: /\((http:\S+)\) started/ });
  await fiveExchanges(t, { python, backend, language: 'PHP' });
});

test("a backend on Python's http.server and a client in Python do the five exchanges", async (t) => {
  const python = findPythonWithWebsockets();
  if (python === null) return lacks(t, "a Python with the module 'websockets'", 'python3-websockets');
  const backend = await startProgram(t, { command: python, argv: [PYTHON_BACKEND], url: /^echo backend: (http:\S+)/ });
  await fiveExchanges(t, { python, backend, language: 'Python' });
});

async function fiveExchanges(
  t: TestContext,
  { python, backend, language }: { python: string; backend: Program; language: string },
): Promise<void> {
  const gateway = await startGateway(t, { API_URI: backend.url });
  const { stdout } = await promisify(execFile)(python, [PYTHON_CLIENT, `${gateway.wsUrl}/room`, 'grüß Gott', 'bye'], { timeout: 20_000 });
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  assert.deepEqual(told, [
    { frame: `Welcome from ${language}` },
    { frame: 'You said: grüß Gott' },
    { close_code: 4001, close_reason: 'bye' },
  ]);

  const close = await backend.lines.first((line) => line.includes('close: code'));
  assert.match(close, new RegExp(`close: code 4001, tags language=${language.toLowerCase()}`));
  const statuses = backend.lines.all.map((line) => /(open|message): .* was answered (\d+)$/.exec(line)).filter((found) => found !== null);
  assert.deepEqual(
    statuses.map(([, event, status]) => `${event} ${status}`),
    ['open 202', 'message 200', 'message 200'], // G6: queued at once while the client is still being let in
  );
}

function findPythonWithWebsockets(): string | null {
  return findProgram(['python3', 'python'], ['-c', 'import websockets']);
}
