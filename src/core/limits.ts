/** What bounds one route's connections. Every value is an option of `options.ts`, where default and unit are told. */
export type Limits = {
  readonly idleTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly messagesPerSecond: number;
  readonly inboxMessages: number;
  readonly inboxBytes: number;
  readonly sendBufferBytes: number;
  readonly slowClientTimeoutMs: number;
  readonly openTimeoutMs: number;
  readonly backendTimeoutMs: number;
  readonly backendRetryForMs: number;
  readonly closeRetryForMs: number;
  readonly idempotencyKeys: number;
};

/** A backend's answer may be this much larger than a message: headers of its JSON form (CONTRACT §3). */
const ANSWER_ALLOWANCE_BYTES = 65_536;

export function maxAnswerBytes(limits: Limits): number {
  return limits.maxMessageBytes + ANSWER_ALLOWANCE_BYTES;
}

/** An `Idempotency-Key` is remembered this long (CONTRACT §3). */
export const IDEMPOTENCY_KEY_LIFETIME_MS = 300_000;
