import type { AnswerHeaders, BackendFailure, BackendResult } from './calls.ts';
import { CLOSE_DELIVERED, type CloseVerdict, type Refusal, type TagChanges } from '../core/events.ts';

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

/** The client's answer where the backend gave none to `open`. */
export function unanswered({ reason }: BackendFailure): Refusal {
  if (reason === 'timeout') return refused(504, 'GATEWAY_TIMEOUT', 'the backend did not answer in time');
  return refused(502, 'BAD_GATEWAY', 'the backend could not be asked');
}

/** Reads `WS-Set-Tags` (urlencoded) of a backend's 2xx answer; null where there is none. An empty value deletes. */
export function readSetTags(headers: AnswerHeaders): TagChanges | null {
  const value = headers['ws-set-tags'];
  if (typeof value !== 'string' || value === '') return null;
  return [...new URLSearchParams(value)];
}
