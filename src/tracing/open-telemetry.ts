import { diag, DiagLogLevel, type DiagLogger } from '@opentelemetry/api';
import { setGlobalErrorHandler } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Log } from '../core/ports.ts';
import { Seldom } from '../core/seldom.ts';
import { systemClock } from '../core/system-clock.ts';
import type { Tracing } from '../wire/tracing.ts';
import { CallSpans } from './call-spans.ts';
import { ChosenIds } from './chosen-ids.ts';
import { RequestSpans } from './request-spans.ts';
import { type Sampling, samplerOf } from './samplers.ts';

export type TracingOptions = {
  readonly settings: Sampling & {
    readonly queueSpans: number;
    readonly batchSpans: number;
    readonly delayMs: number;
    readonly exportTimeoutMs: number;
  };
  readonly version: string;
  readonly node: string;
  readonly log: Log;
};

/**
 * OpenTelemetry's SDK with its exporter over HTTP, which reads where to and with which headers from the environment by itself. What is
 * finished waits in a queue of bounded length; when it is full spans are dropped.
 */
export function openTelemetry({ settings, version, node, log }: TracingOptions): Tracing {
  tellTroubles(log);
  const ids = new ChosenIds();
  const provider = new TracerProvider({
    idGenerator: ids,
    sampler: samplerOf(settings),
    resource: resourceFromAttributes({
      'service.name': 'wsaas',
      'service.version': version,
      'service.instance.id': `${node}.${process.pid}`,
    }).merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter(),
        maxQueueSize: settings.queueSpans,
        maxExportBatchSize: settings.batchSpans,
        scheduledDelayMillis: settings.delayMs,
        exportTimeoutMillis: settings.exportTimeoutMs,
      }),
    ],
  });
  const tracer = provider.getTracer('wsaas', version);
  const calls = new CallSpans(tracer, ids);
  const requests = new RequestSpans(tracer, ids);
  return {
    around: (transport, origin) => calls.around(transport, origin),
    upgrade: (arrived) => requests.upgrade(arrived),
    command: (arrived, connection) => requests.command(arrived, connection),
    async stop(limitMs) {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, limitMs);
      await Promise.race([provider.shutdown().catch(() => {}), late]);
      clearTimeout(timer);
      diag.disable();
    },
  };
}

function quiet(): void {}

/** An exporter that finds nobody complains with every batch. */
function tellTroubles(log: Log): void {
  const seldom = new Seldom(systemClock);
  const tell = (because: string): void => {
    const missed = seldom.missed();
    if (missed !== null) log.warn({ because, ...(missed > 0 && { missed }) }, 'OpenTelemetry has a problem; spans may be missing');
  };
  const logger: DiagLogger = { error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  setGlobalErrorHandler((error) => tell(error instanceof Error ? error.message : JSON.stringify(error)));
}
