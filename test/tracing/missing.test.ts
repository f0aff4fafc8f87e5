import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { openTracing } from '../../src/tracing/index.ts';
import { SILENT_LOG } from '../contracts/samples.ts';

const API_URI = 'http://localhost:1';
const read = (env: Record<string, string>) => loadConfig({ API_URI, ...env });

test('a package of OpenTelemetry that is not installed is named, and the gateway serves without spans', async (t) => {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (specifier !== '@opentelemetry/sdk-trace') return next(specifier, context);
      throw Object.assign(new Error(`Cannot find package '${specifier}'`), { code: 'ERR_MODULE_NOT_FOUND' });
    },
  });
  t.after(() => hooks.deregister());
  const { TRACING } = loadConfig({ API_URI, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }).config;
  const told: object[] = [];
  const log = { ...SILENT_LOG, error: (facts: object) => void told.push(facts) };
  assert.equal(await openTracing(TRACING, { version: '1', node: 'n', log }), null);
  assert.match(JSON.stringify(told), /@opentelemetry\/sdk-trace/);
});

test('spans are wanted only where the standard variables say so, and what they say wrongly is warned of', () => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://collector:4318';
  for (const off of [
    {},
    { OTEL_SERVICE_NAME: 'x' },
    { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' },
    { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER: 'none' },
  ] as Record<string, string>[])
    assert.deepEqual([read(off).config.TRACING, read(off).warnings], [null, []]);
  const standard = {
    sampler: 'parentbased_always_on',
    ratio: 1,
    queueSpans: 2_048,
    batchSpans: 512,
    delayMs: 5_000,
    exportTimeoutMs: 30_000,
  };
  for (const on of [
    { OTEL_EXPORTER_OTLP_ENDPOINT },
    { OTEL_TRACES_EXPORTER: 'otlp' },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/v1/traces' },
  ])
    assert.deepEqual(read(on as Record<string, string>).config.TRACING, standard);
  const odd = read({
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_TRACES_SAMPLER: 'jaeger_remote',
    OTEL_TRACES_SAMPLER_ARG: '2',
    OTEL_BSP_MAX_QUEUE_SIZE: '-1',
  });
  assert.deepEqual(odd.config.TRACING, standard);
  assert.equal(odd.warnings.length, 4);
  const zipkin = read({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER: 'zipkin' });
  assert.equal(zipkin.config.TRACING, null);
  assert.match(zipkin.warnings.join('\n'), /OTEL_TRACES_EXPORTER: must be otlp or none, came "zipkin"/);
});
