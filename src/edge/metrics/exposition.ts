import type { MetricObject } from 'prom-client';

/** What a scrape is served with: Prometheus text, version 0.0.4. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * One text of the families of several processes. prom-client is loaded by the first scrape: a start would pay for it, and nobody
 * may ever scrape.
 */
export async function exposition(parts: readonly (readonly unknown[])[]): Promise<string> {
  const { AggregatorRegistry } = await import('prom-client');
  return AggregatorRegistry.aggregate(parts as MetricObject[][]).metrics();
}
