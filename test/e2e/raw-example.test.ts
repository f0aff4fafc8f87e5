import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { findProgram, lacks } from '../examples/programs.ts';
import { connect, refusal } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';
import { startProgram } from '../support/program.ts';
import { exampleRoutes } from '../support/routes-file.ts';

const BACKEND = fileURLToPath(new URL('../../examples/raw/backend.php', import.meta.url));

test("examples/raw: clients with ids of their own write to each other by a backend on PHP's single-threaded server", async (t) => {
  const php = findProgram(['php']);
  if (php === null) return lacks(t, 'PHP', 'php-cli');
  const backend = await startProgram(t, { command: php, argv: ['-S', '127.0.0.1:0', BACKEND], url: /\((http:\S+)\) started/ });
  const routes = await exampleRoutes(t, 'raw', backend.url);
  const gateway = await startGateway(t, { ROUTES_FILE: routes.path });

  const alice = await connect(t, `${gateway.wsUrl}/alice`);
  const bob = await connect(t, `${gateway.wsUrl}/${encodeURIComponent('bob & söhne/7')}`);
  assert.equal((await refusal(t, `${gateway.wsUrl}/guest-1`)).status, 403, 'whoever is not answered `ok` stays out');

  alice.ws.send('bob & söhne/7: grüß Gott');
  assert.equal((await bob.frames.first(() => true)).text, 'alice: grüß Gott');
  alice.ws.send('nobody: hello');
  alice.ws.send('hello');
  const heard = await alice.frames.atLeast(3);
  assert.deepEqual(
    heard.map(({ text }) => text),
    ['bob & söhne/7: ok', 'nobody: not found', 'Write "<id>: <text>".'],
  );

  bob.ws.close(1000, 'lunch');
  await backend.lines.first((line) => line.includes('bob & söhne/7 left: lunch'));
  alice.ws.terminate();
  await backend.lines.first((line) => line.includes('alice left: EOF'));
});
