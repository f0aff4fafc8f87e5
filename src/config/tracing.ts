/** OpenTelemetry's own names for the samplers that it knows without more packages. */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

export type Sampler = (typeof SAMPLERS)[number];

/** What OpenTelemetry's standard variables say, as far as the exporter and the resource do not read them themselves. */
export type TracingSettings = {
  readonly sampler: Sampler;
  /** Of the samplers with a ratio: 0 to 1. */
  readonly ratio: number;
  /** Spans that wait to be told; beyond it they are dropped. */
  readonly queueSpans: number;
  readonly batchSpans: number;
  readonly delayMs: number;
  readonly exportTimeoutMs: number;
};

export type TracingReport = {
  /** Null: nobody wants spans. */
  readonly tracing: TracingSettings | null;
  readonly warnings: readonly string[];
};

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Are spans wanted, and how? Only of the process's environment, as OpenTelemetry's packages look nowhere else. A value that cannot
 * be used is warned of and is as absent (OpenTelemetry's specification of its environment variables).
 */
export function readTracing(env: Environment): TracingReport {
  const warnings: string[] = [];
  const exporter = env['OTEL_TRACES_EXPORTER'] || undefined;
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const isWanted = exporter === undefined ? Boolean(endpoint) : exporter !== 'none';
  if (!isWanted || env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return { tracing: null, warnings };
  if (exporter !== undefined && exporter !== 'otlp') {
    warnings.push(`OTEL_TRACES_EXPORTER: must be otlp or none, came ${JSON.stringify(exporter)}; no spans are told`);
    return { tracing: null, warnings };
  }
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || env['OTEL_EXPORTER_OTLP_PROTOCOL'] || 'http/protobuf';
  if (protocol !== 'http/protobuf')
    warnings.push(
      `OTEL_EXPORTER_OTLP_PROTOCOL: spans are told by http/protobuf only, came ${JSON.stringify(protocol)}; is the endpoint one for HTTP (port 4318)?`,
    );
  const sampler = env['OTEL_TRACES_SAMPLER'] || 'parentbased_always_on';
  if (!isSampler(sampler)) warnings.push(`OTEL_TRACES_SAMPLER: must be one of ${SAMPLERS.join(', ')}, came ${JSON.stringify(sampler)}`);
  const whole = (name: string, standard: number): number => {
    const value = env[name] || String(standard);
    if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
    warnings.push(`${name}: must be a whole number from 1, came ${JSON.stringify(value)}`);
    return standard;
  };
  const queueSpans = whole('OTEL_BSP_MAX_QUEUE_SIZE', 2_048);
  return {
    tracing: {
      sampler: isSampler(sampler) ? sampler : 'parentbased_always_on',
      ratio: readRatio(env['OTEL_TRACES_SAMPLER_ARG'], warnings),
      queueSpans,
      batchSpans: Math.min(queueSpans, whole('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512)),
      delayMs: whole('OTEL_BSP_SCHEDULE_DELAY', 5_000),
      exportTimeoutMs: whole('OTEL_BSP_EXPORT_TIMEOUT', 30_000),
    },
    warnings,
  };
}

function isSampler(name: string): name is Sampler {
  return (SAMPLERS as readonly string[]).includes(name);
}

function readRatio(value: string | undefined, warnings: string[]): number {
  if (value === undefined || value === '') return 1;
  const ratio = Number(value);
  if (ratio >= 0 && ratio <= 1) return ratio;
  warnings.push(`OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to 1, came ${JSON.stringify(value)}`);
  return 1;
}
