import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { scrape } from '../support/scrape.ts';

/** Writes the URL of every module that is loaded into a file. */
const RECORDER = (file: string) => `
  import { appendFileSync } from 'node:fs';
  import { registerHooks } from 'node:module';
  registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(file)}, url + '\\n'); return next(url, context); } });
`;

/** Packages that only some gateways use, and what each is for. */
const OPTIONAL = ['prom-client', '@opentelemetry/'];

test('a start loads no package of metrics and none of tracing; the first scrape loads the one for metrics', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wsaas-modules-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'loaded');
  const { controlUrl } = await startGateway(t, { API_URI: 'http://127.0.0.1:1' }, [
    '--import',
    `data:text/javascript,${encodeURIComponent(RECORDER(file))}`,
  ]);
  const loaded = (): string[] => OPTIONAL.filter((name) => readFileSync(file, 'utf8').includes(`/node_modules/${name}`));
  assert.match(readFileSync(file, 'utf8'), /node_modules\/fastify\//, 'what is loaded is seen');
  assert.deepEqual(loaded(), []);
  await scrape(controlUrl);
  assert.ok(loaded().includes('prom-client'));
});
