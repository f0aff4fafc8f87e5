import type { Refusal } from '../core/events.ts';
import type { BackendAnswer, BackendFailure } from './calls.ts';

const COME_AGAIN_MS = 1_000;

/**
 * What a refusal says beside the codec's own words. A call that was sent and got no whole answer may have been accepted: a
 * `close` event follows it (docs/guarantees.md#g3-one-close-for-every-accepted-open-none-for-a-refused-one).
 */
export function explained(refusal: Refusal, result: Pick<BackendAnswer, 'type' | 'status'> | BackendFailure): Refusal {
  if (result.type === 'failure') {
    const { reason, detail: because, wasSent } = result;
    const open = { ...refusal, failure: { reason, because } };
    return wasSent ? { ...open, wasAccepted: true, endReason: 'open unanswered' } : { ...open, retryAfterMs: COME_AGAIN_MS };
  }
  if (refusal.status < 500) return refusal;
  const isAway = result.status >= 502 && result.status <= 504;
  const failed = unreadable(refusal, `status ${result.status}: ${refusal.message}`);
  return isAway ? { ...failed, retryAfterMs: COME_AGAIN_MS } : failed;
}

/** The backend gave a whole answer that cannot be used. */
export function unreadable(refusal: Refusal, because: string): Refusal {
  return { ...refusal, failure: { reason: 'bad-answer', because } };
}
