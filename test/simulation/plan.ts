import type { Limits } from '../../src/core/limits.ts';
import type { Random } from './random.ts';

/** What is rolled once for a whole history. Everything is small, so that every limit is met. */
export type Plan = {
  readonly limits: Limits;
  readonly openConcurrency: number;
  readonly openQueue: number;
  readonly openQueueTimeoutMs: number;
  readonly closeConcurrency: number;
  readonly closeBacklog: number;
  readonly reply: boolean;
  readonly hasBreaker: boolean;
  /** The backend is code in the gateway's process. */
  readonly isInProcess: boolean;
  /** The backend is a broker. */
  readonly isOverStream: boolean;
  readonly hasHeartbeat: boolean;
  /** Times that the gateway is frozen. */
  readonly ownPauses: number;
  readonly clients: number;
  readonly lengthMs: number;
  /** Null: the gateway stays. */
  readonly drainAtMs: number | null;
};

/** Of a gateway whose backend is code in its process: there is no breaker, and their clocks do not differ. */
export function inProcess(plan: Plan): Plan {
  return { ...plan, isInProcess: true, hasBreaker: false, ownPauses: 0 };
}

/** Of a gateway whose backend is a broker, which answers nothing to a message. */
export function overStream(plan: Plan): Plan {
  return { ...plan, isOverStream: true, hasBreaker: false, reply: false };
}

export function rollPlan(random: Random): Plan {
  const backendRetryForMs = random.pick([2_000, 10_000, 60_000]);
  const lengthMs = random.pick([3_000, 20_000, 90_000]);
  const hasFewRetries = random.chance(0.1);
  return {
    limits: {
      idleTimeoutMs: random.pick([0, 4_000, 15_000]),
      maxMessageBytes: 100,
      messagesPerSecond: random.chance(0.1) ? 2 : 0,
      bytesPerSecond: 0,
      inboxMessages: random.between(1, 6),
      inboxBytes: random.pick([60, 200, 10_000]),
      sendBufferBytes: random.pick([120, 400]),
      slowClientTimeoutMs: 5_000,
      openTimeoutMs: random.pick([300, 2_000]),
      backendTimeoutMs: random.pick([500, 3_000]),
      backendRetryForMs,
      closeRetryForMs: hasFewRetries ? 3_000 : 86_400_000,
      idempotencyKeys: 100,
      maxIdleMs: 0,
      maxAgeMs: 0,
    },
    openConcurrency: random.between(1, 3),
    openQueue: random.pick([0, 1, 5]),
    openQueueTimeoutMs: random.pick([100, 1_000]),
    closeConcurrency: random.between(1, 3),
    closeBacklog: hasFewRetries ? 1 : 1_000,
    reply: random.chance(0.3),
    hasBreaker: random.chance(0.3),
    isInProcess: false,
    isOverStream: false,
    hasHeartbeat: random.chance(0.3),
    ownPauses: random.pick([0, 0, 1, 3]),
    clients: random.between(1, 4),
    lengthMs,
    drainAtMs: random.chance(0.3) ? random.between(0, lengthMs) : null,
  };
}
