import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { startBackend } from '../support/backend.ts';
import { connect } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';
import { ok } from '../support/guests.ts';
import { routesFile } from '../support/routes-file.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/**
 * What a user writes with the generated client; it is compiled, and then run. The generator of @redocly/cli 2.77.0 writes the
 * pairs of an object in a query as tags[room]=…, whatever their style: the middleware mends that, and may go when
 * `rewritten` is 0.
 */
const USE = `
import { createClient, OPERATIONS, type Connection, type Counts, type Ops } from './client.ts';

export async function use(serverUrl: string, ids: { readonly own: string; readonly chosen: string }) {
  const gateway = createClient<Ops>(OPERATIONS, { serverUrl, auth: { bearer: 'secret' } });
  let rewritten = 0;
  gateway.use({
    onRequest(context) {
      const url = context.url.replaceAll(/\\btags%5B(.+?)%5D=/g, '$1=');
      if (url !== context.url) rewritten += 1;
      context.url = url;
    },
  });
  const push: { code: 'OK' | 'QUEUED' } = await gateway.push({ path: { id: ids.own }, body: 'hello', headers: { 'idempotency-key': 'k' } });
  const raw: string = await gateway.rawPush({ path: { id: ids.chosen }, body: 'hello, station' });
  const one: Connection = await gateway.describe({ path: { id: ids.own } });
  const sent = (await gateway.sendToSelection({ query: { tags: { room: 'blue', 'a b': '&=' } }, body: 'to the room' })) as Counts;
  const tagged = (await gateway.setTags({ query: { id: [ids.own, ids.chosen] }, body: new URLSearchParams({ seen: '1' }) })) as Counts;
  const count: string = await gateway.count({ query: { tags: { seen: '1' }, exclude: [ids.chosen] } });
  const metrics: string = await gateway.metrics({});
  const lost = await gateway.push({ path: { id: 'nobody' }, body: 'x' }).catch((error: unknown) => error);
  const closed = await gateway.close({ path: { id: ids.own }, query: { code: 4001, reason: 'bye' } });
  return { push, raw, one, sent, tagged, count, metrics, lost, closed, rewritten };
}

export async function misuse(serverUrl: string) {
  const gateway = createClient<Ops>(OPERATIONS, { serverUrl });
  // @ts-expect-error an id is needed
  await gateway.push({ body: 'hello' });
  // @ts-expect-error a code is a number
  await gateway.close({ path: { id: 'x' }, query: { code: 'soon' } });
  // @ts-expect-error a tag is a string
  await gateway.count({ query: { tags: { room: 1 } } });
}
`;

type Used = {
  readonly push: unknown;
  readonly raw: unknown;
  readonly one: { readonly id: string; readonly tags: object };
  readonly sent: { readonly sent: number };
  readonly tagged: { readonly sent: number };
  readonly count: string;
  readonly metrics: string;
  readonly lost: { readonly status: number; readonly body: { readonly code: string } };
  readonly closed: unknown;
  readonly rewritten: number;
};

/** Generates a client from openapi.yaml and compiles it, and what uses it, with strict types. */
async function generateClient(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wsaas-client-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  const redocly = join(ROOT, 'node_modules/@redocly/cli/bin/cli.js');
  const argv = [
    'generate-client',
    join(ROOT, 'openapi.yaml'),
    '--output',
    join(folder, 'client.ts'),
    '--import-ext',
    'ts',
    '--args-style',
    'grouped',
  ];
  await run(process.execPath, [redocly, ...argv], { cwd: folder, env });
  await writeFile(join(folder, 'use.ts'), USE);
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'es2024',
    lib: ['es2024', 'dom', 'dom.iterable'],
    module: 'nodenext',
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    types: [],
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
  const compiled = await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder]).catch(
    (error: unknown) => error,
  );
  assert.equal((compiled as { stdout: string }).stdout, '');
  return pathToFileURL(join(folder, 'use.ts')).href;
}

test('a client generated from openapi.yaml compiles, and pushes, selects, describes and closes', { timeout: 60_000 }, async (t) => {
  const module = await generateClient(t);
  const backend = await startBackend(t, ({ method }) => (method === 'GET' ? { body: 'ok' } : ok({ tags: { room: 'blue', 'a b': '&=' } })));
  const routes = [
    { path: '/app', backend: backend.url },
    { path: '/raw/:id', dialect: 'raw', backend: backend.url },
  ];
  const { path } = await routesFile(t, JSON.stringify({ routes }));
  const gateway = await startGateway(t, { ROUTES_FILE: path, CONTROL_TOKEN: 'secret' });
  const own = await connect(t, `${gateway.wsUrl}/app`);
  const station = await connect(t, `${gateway.wsUrl}/raw/station-7`);
  const open = await backend.calls.first(({ method }) => method === 'POST');
  const id = String(open.headers['ws-connection']);

  const { use } = (await import(module)) as { use: (url: string, ids: object) => Promise<Used> };
  const used = await use(gateway.controlUrl, { own: id, chosen: 'station-7' });

  assert.deepEqual(used.push, { code: 'OK' });
  assert.equal(used.raw, 'ok');
  assert.deepEqual([used.one.id, used.one.tags], [id, { room: 'blue', 'a b': '&=' }]);
  assert.equal(used.sent.sent, 1);
  assert.equal(used.tagged.sent, 2);
  assert.equal(used.count, '1');
  assert.match(used.metrics, /^wsaas_connections 2$/m);
  assert.deepEqual([used.lost.status, used.lost.body.code], [404, 'NOT_FOUND']);
  assert.deepEqual(used.closed, { code: 'OK' });
  assert.equal(used.rewritten, 2, 'the generator honours style: form now: the middleware may go');
  const [hello, toTheRoom] = await own.frames.atLeast(2);
  assert.deepEqual([hello?.text, hello?.isBinary, toTheRoom?.text], ['hello', false, 'to the room']);
  assert.equal((await station.frames.first(() => true)).text, 'hello, station');
  assert.deepEqual(await own.ended, { code: 4001, reason: 'bye' });
});
