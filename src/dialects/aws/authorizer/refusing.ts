import type { OpenEvent, Refusal } from '../../../core/events.ts';
import { FRAME_MESSAGES } from '../frames.ts';
import { awsRefusal } from '../refusing.ts';

/** The client does not show who it is (RFC 9110 §15.5.2 wants a challenge). */
export function unauthorized(event: OpenEvent): Refusal {
  return { ...awsRefusal(event, 401, 'UNAUTHORIZED', 'Unauthorized'), headers: { 'www-authenticate': 'Bearer' } };
}

export function forbidden(event: OpenEvent): Refusal {
  return awsRefusal(event, 403, 'FORBIDDEN', 'Forbidden');
}

/** Nobody could decide. The function of $connect was not asked, so that no end is told to anybody. */
export function undecided(event: OpenEvent, status: 500 | 504, failure: NonNullable<Refusal['failure']>): Refusal {
  const refusal =
    status === 504
      ? awsRefusal(event, 504, 'GATEWAY_TIMEOUT', FRAME_MESSAGES.timedOut)
      : awsRefusal(event, 500, 'INTERNAL_ERROR', FRAME_MESSAGES.failed);
  return { ...refusal, failure };
}
