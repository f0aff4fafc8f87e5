import type { AnswerHeaders } from './calls.ts';
import type { TagChanges } from '../core/events.ts';

/** Reads `WS-Set-Tags` (urlencoded) of a backend's 2xx answer; null where there is none. An empty value deletes. */
export function readSetTags(headers: AnswerHeaders): TagChanges | null {
  const value = headers['ws-set-tags'];
  if (typeof value !== 'string' || value === '') return null;
  return [...new URLSearchParams(value)];
}
