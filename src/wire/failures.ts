import type { Failure } from '../core/commands.ts';
import { GatewayError } from './errors.ts';
import { NOT_UTF8 } from './http-messages.ts';

const RETRY_AFTER_MS = 1_000;

/** The error that the control API answers where a command failed. */
export function errorOf(failure: Failure): GatewayError {
  switch (failure.type) {
    case 'not-found':
      return new GatewayError('NOT_FOUND', 'no connection has this id, or it is closed; nothing was sent');
    case 'invalid':
      return new GatewayError('BAD_REQUEST', failure.detail);
    case 'not-text':
      return new GatewayError('BAD_REQUEST', NOT_UTF8);
    case 'too-long':
      return new GatewayError('MESSAGE_TOO_LONG', `a message may have ${failure.maxBytes} bytes (MAX_MESSAGE_BYTES); nothing was sent`);
    case 'slow':
      return new GatewayError('SLOW_CLIENT', 'the client does not keep up with what is sent to it; nothing was sent', {
        retryAfterMs: failure.retryAfterMs,
      });
    case 'timeout':
      return new GatewayError('GATEWAY_TIMEOUT', failure.detail);
    case 'unavailable':
      return new GatewayError('UNAVAILABLE', failure.detail, { retryAfterMs: RETRY_AFTER_MS });
  }
}
