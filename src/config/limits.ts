import type { Limits } from '../core/limits.ts';
import type { OptionName, Settings } from './options.ts';

/** The global option behind each limit; a route overrides it by the limit's own name (docs/routes.md#a-route). */
export const LIMIT_OPTIONS = {
  idleTimeoutMs: 'WS_TIMEOUT',
  maxMessageBytes: 'MAX_MESSAGE_BYTES',
  messagesPerSecond: 'MESSAGES_PER_SECOND',
  bytesPerSecond: 'BYTES_PER_SECOND',
  inboxMessages: 'INBOX_MESSAGES',
  inboxBytes: 'INBOX_BYTES',
  sendBufferBytes: 'SEND_BUFFER_BYTES',
  slowClientTimeoutMs: 'SLOW_CLIENT_TIMEOUT_MS',
  openTimeoutMs: 'OPEN_TIMEOUT_MS',
  backendTimeoutMs: 'BACKEND_TIMEOUT_MS',
  backendRetryForMs: 'BACKEND_RETRY_FOR_MS',
  closeRetryForMs: 'CLOSE_RETRY_FOR_MS',
  idempotencyKeys: 'IDEMPOTENCY_KEYS',
  maxIdleMs: 'MAX_IDLE_MS',
  maxAgeMs: 'MAX_AGE_MS',
} as const satisfies Record<keyof Limits, OptionName>;

type LimitName = keyof Limits;

/** Those that may change while the gateway runs. */
export const LIVE_LIMITS = ['maxMessageBytes', 'idleTimeoutMs'] as const satisfies readonly LimitName[];
export type LiveLimit = (typeof LIVE_LIMITS)[number];

/** The limits of a route that sets none of its own. */
export function limitsOf(settings: Pick<Settings, (typeof LIMIT_OPTIONS)[LimitName]>): Limits {
  const limits = {} as Record<LimitName, number>;
  for (const [name, option] of Object.entries(LIMIT_OPTIONS) as [LimitName, (typeof LIMIT_OPTIONS)[LimitName]][])
    limits[name] = settings[option];
  return limits;
}
