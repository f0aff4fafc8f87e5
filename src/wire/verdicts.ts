import type { AnswerHeaders, BackendAnswer, BackendFailure, BackendResult } from './calls.ts';
import { CLOSE_DELIVERED, type CloseVerdict, DELIVERED, type MessageVerdict, type Refusal, type TagChanges } from '../core/events.ts';
import { replyOf } from './http-messages.ts';
import { readTagChanges } from './tag-changes.ts';

/** 2xx, 404 and 410 acknowledge a `close` event; anything else is told again (docs/contract.md#acknowledged-closes). */
export function closeVerdict(result: BackendResult): CloseVerdict {
  if (result.type === 'failure') return { type: 'retry', afterMs: null, because: result.reason };
  const { status } = result;
  if ((status >= 200 && status < 300) || status === 404 || status === 410) return CLOSE_DELIVERED;
  return { type: 'retry', afterMs: null, because: `status ${status}` };
}

export function refused(status: number, code: string, message: string): Refusal {
  return { type: 'refused', status, code, message };
}

/** What a status owes to the client (RFC 9110 §15.5), where the backend does not say it. */
const OWED: Readonly<Record<number, readonly [header: string, value: string]>> = {
  401: ['WWW-Authenticate', 'Bearer'],
  405: ['Allow', 'GET'],
  426: ['Upgrade', 'websocket'],
  429: ['Retry-After', '1'],
};
const HEADER_VALUE = /^[\t\x20-\x7e]+$/;

/** The backend's 4xx to `open`, with the header that belongs to it: the backend's own, else `challenge` or the usual one. */
export function refusedBy({ status, headers }: BackendAnswer, code: string, challenge?: string): Refusal {
  const refusal = refused(status, code, `the backend refused this client with ${status}`);
  const owed = OWED[status];
  if (owed === undefined) return refusal;
  const [name, standard] = owed;
  const own = headers[name.toLowerCase()];
  return { ...refusal, headers: { [name]: typeof own === 'string' && HEADER_VALUE.test(own) ? own : (challenge ?? standard) } };
}

/** The client's answer where the backend gave none to `open`. */
export function unanswered({ reason }: BackendFailure): Refusal {
  if (reason === 'timeout') return refused(504, 'GATEWAY_TIMEOUT', 'the backend did not answer in time');
  return refused(502, 'BAD_GATEWAY', 'the backend could not be asked');
}

/**
 * Reads `WS-Set-Tags` (urlencoded) of a backend's 2xx answer; null where there is none. An empty value deletes. A text says
 * what is wrong.
 */
export function readSetTags(headers: AnswerHeaders): TagChanges | string | null {
  const value = headers['ws-set-tags'];
  if (value === undefined || value === '') return null;
  const changes = typeof value === 'string' ? readTagChanges(value) : 'the header is given twice';
  return typeof changes === 'string' ? `WS-Set-Tags cannot be read: ${changes}` : changes;
}

/** A 2xx answer to a message: its tags are set, and its body goes back to the client where that is wanted. What cannot be read is a complaint. */
export function deliveredBy(answer: BackendAnswer, isReply: boolean): MessageVerdict {
  const tags = readSetTags(answer.headers);
  const reply = isReply && answer.body.length > 0 ? replyOf(answer) : null;
  if (tags === null && reply === null) return DELIVERED;
  const problems = [tags, reply].filter((read) => typeof read === 'string');
  return {
    type: 'delivered',
    reply: typeof reply === 'string' ? null : reply,
    complaint: problems.length === 0 ? null : problems.join('; '),
    tags: typeof tags === 'string' ? null : tags,
  };
}
