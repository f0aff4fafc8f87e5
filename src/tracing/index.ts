import type { Log } from '../core/ports.ts';
import type { Tracing } from '../wire/tracing.ts';
import type { TracingOptions } from './open-telemetry.ts';

/**
 * Begins to tell spans, or nothing where nobody wants them. OpenTelemetry's packages are loaded here and only then; without
 * them the gateway serves all the same, and says what is missing.
 */
export async function openTracing(
  settings: TracingOptions['settings'] | null,
  options: Omit<TracingOptions, 'settings'>,
): Promise<Tracing | null> {
  if (settings === null) return null;
  try {
    const { openTelemetry } = await import('./open-telemetry.ts');
    return openTelemetry({ ...options, settings });
  } catch (error) {
    tellMissing(options.log, error);
    return null;
  }
}

function tellMissing(log: Log, error: unknown): void {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== 'ERR_MODULE_NOT_FOUND') throw error;
  log.error({ because: message }, 'spans are wanted (OTEL_*), but a package of OpenTelemetry is not installed: none are told');
}
