/** What bounds one route's connections. Every value is an option of `options.ts`, where default and unit are told. */
export type Limits = {
  readonly idleTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly inboxMessages: number;
  readonly inboxBytes: number;
  readonly sendBufferBytes: number;
  readonly slowClientTimeoutMs: number;
  readonly openTimeoutMs: number;
  readonly backendTimeoutMs: number;
  readonly backendRetryForMs: number;
  readonly closeRetryForMs: number;
  readonly idempotencyKeys: number;
  /** Without a message either way; 0: any time. */
  readonly maxIdleMs: number;
  /** Of a connection; 0: any. */
  readonly maxAgeMs: number;
};

/** An `Idempotency-Key` is remembered this long (docs/contract.md#commands-on-one-connection). */
export const IDEMPOTENCY_KEY_LIFETIME_MS = 300_000;
