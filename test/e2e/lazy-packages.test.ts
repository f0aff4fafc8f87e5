import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startBackend } from '../support/backend.ts';
import { connect } from '../support/client.ts';
import { MAIN, startGateway } from '../support/gateway.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { scrape } from '../support/scrape.ts';

/** Writes the URL of every module that is loaded into a file. */
const RECORDER = (file: string) => `
  import { appendFileSync } from 'node:fs';
  import { registerHooks } from 'node:module';
  registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(file)}, url + '\\n'); return next(url, context); } });
`;

/** What only some gateways use, as the built program calls the files that hold it. */
const OPTIONAL = ['program/prom-client', 'program/open-telemetry'];

test('a start loads no package of metrics and none of tracing; the first scrape loads the one for metrics', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wsaas-modules-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'loaded');
  const { controlUrl } = await startGateway(t, { API_URI: 'http://127.0.0.1:1' }, [
    '--import',
    `data:text/javascript,${encodeURIComponent(RECORDER(file))}`,
  ]);
  const loaded = (): string[] => OPTIONAL.filter((name) => readFileSync(file, 'utf8').includes(name));
  assert.match(readFileSync(file, 'utf8'), /dist\/program\.js$/m, 'what is loaded is seen');
  assert.deepEqual(loaded(), []);
  await scrape(controlUrl);
  assert.deepEqual(loaded(), ['program/prom-client']);
  assert.ok(
    readdirSync(fileURLToPath(new URL('program', `file://${MAIN}`))).some((name) => name.startsWith('open-telemetry-')),
    'it has its name',
  );
});

test('the built program tells its spans, the last ones before it ends', async (t) => {
  const receiver = await startOtlpReceiver(t);
  const backend = await startBackend(t);
  const gateway = await startGateway(t, {
    API_URI: backend.url,
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_BSP_SCHEDULE_DELAY: '60000',
  });
  await connect(t, gateway.wsUrl);
  gateway.process.kill('SIGTERM');
  assert.deepEqual(await gateway.exited, { code: 0, signal: null });
  assert.deepEqual(receiver.spans.all.map(({ name }) => name).toSorted(), ['DELETE close', 'GET /*', 'POST open']);
});
