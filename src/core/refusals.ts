import type { Refusal } from './events.ts';

/** The client left while it waited for its `open` event: nobody sees this answer. */
export const CLIENT_GONE: Refusal = { type: 'refused', status: 499, code: 'CLIENT_GONE', message: 'the client left while it waited' };

/** An open connection has the id that this client chose, and keeps it. */
export const ID_IS_HELD: Refusal = { type: 'refused', status: 409, code: 'DUPLICATE_ID', message: 'an open connection has this id' };

/** Not now; the client does well to come again. */
export function busy(message: string): Refusal {
  return { type: 'refused', status: 503, code: 'UNAVAILABLE', message, retryAfterMs: 1_000 };
}

/** The backend let the client in, in a way that cannot be done: the client is refused and the backend told of an end. */
export function unusable(message: string): Refusal {
  return { type: 'refused', status: 502, code: 'BAD_GATEWAY', message, wasAccepted: true };
}

export const SHUTTING_DOWN = busy('this gateway is shutting down');

/** A limit is reached; places become free when others leave. */
export function full(code: 'UNAVAILABLE' | 'TOO_MANY_CONNECTIONS', message: string): Refusal {
  return { type: 'refused', status: code === 'UNAVAILABLE' ? 503 : 429, code, message, retryAfterMs: 5_000 };
}
