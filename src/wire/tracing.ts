import type { IncomingHttpHeaders } from 'node:http';
import type { Transport } from './calls.ts';

/** An HTTP request that came in, as far as a span tells of it. No query: it may carry a credential. */
export type Arrived = {
  readonly method: string;
  readonly path: string;
  /** The pattern that the path matched. */
  readonly route: string;
  readonly scheme: 'http' | 'https';
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress: string;
};

/** The span of an upgrade. */
export type UpgradeSpan = {
  /** The trace goes on with these. */
  readonly traceparent: string;
  readonly tracestate: string | null;
  /** `id`: the connection's, where there is one. */
  ended(status: number, id: string | null): void;
};

/** The span of a command. */
export type CommandSpan = { ended(status: number): void };

/** Tells a tracing system what is done. Bounded, and never throwing: a system that hangs or is gone costs spans, nothing else. */
export interface Tracing {
  /** The same transport, with a span for each call. */
  around(transport: Transport, origin: string): Transport;
  upgrade(arrived: Arrived): UpgradeSpan;
  /** `connection`: whom the command is for, where that is known here; its trace is linked. */
  command(arrived: Arrived, connection: { readonly id: string; readonly traceparent: string | null } | null): CommandSpan;
  /** What is not told within this time never is. Idempotent. */
  stop(limitMs: number): Promise<void>;
}
