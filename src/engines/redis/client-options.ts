import type { RedisOptions } from 'ioredis';
import type { Address } from './address.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** What every connection here wants of its client: it comes back for ever, and what it cannot send now it says at once. */
export function clientOptions(address: Address, connectTimeoutMs: number) {
  return {
    ...address,
    protocol: 2 as const, // Redis 5 and Valkey speak it too
    disableClientInfo: true, // Redis knows it from 7.2 on only
    lazyConnect: true,
    enableOfflineQueue: false, // what cannot be sent now is answered now
    autoResendUnfulfilledCommands: false, // a command must not be carried out after it was answered
    autoResubscribe: false, // done here, so that it is known when the channels are heard
    maxRetriesPerRequest: 0,
    connectTimeout: connectTimeoutMs,
    retryStrategy: pauseMs,
    sentinelRetryStrategy: pauseMs,
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'), // the primary became a replica
  } satisfies RedisOptions;
}

/** With jitter, so that processes do not come back all at once. */
function pauseMs(attempt: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
}
