import type { OpenEvent, Refusal } from '../../../core/events.ts';
import { FRAME_MESSAGES } from '../frames.ts';
import { awsRefusal } from '../refusing.ts';

/** The client does not show who it is (RFC 9110 §15.5.2 wants a challenge). */
export function unauthorized(event: OpenEvent): Refusal {
  return {
    ...awsRefusal(event, { status: 401, code: 'UNAUTHORIZED', message: 'Unauthorized' }),
    headers: { 'www-authenticate': 'Bearer' },
  };
}

export function forbidden(event: OpenEvent): Refusal {
  return awsRefusal(event, { status: 403, code: 'FORBIDDEN', message: 'Forbidden' });
}

/** Nobody could decide. The function of $connect was not asked, so that no end is told to anybody. */
export function undecided(event: OpenEvent, status: 500 | 504, failure: NonNullable<Refusal['failure']>): Refusal {
  const refusal =
    status === 504
      ? awsRefusal(event, { status: 504, code: 'GATEWAY_TIMEOUT', message: FRAME_MESSAGES.timedOut })
      : awsRefusal(event, { status: 500, code: 'INTERNAL_ERROR', message: FRAME_MESSAGES.failed });
  return { ...refusal, failure };
}
