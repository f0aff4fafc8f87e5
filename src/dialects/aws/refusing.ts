import type { OpenEvent, Refusal } from '../../core/events.ts';
import type { AnswerHeaders } from '../../wire/calls.ts';
import { refused } from '../../wire/verdicts.ts';
import type { ErrorCode } from '../../wire/errors.ts';
import { errorText } from './frames.ts';
import { requestIdsOf } from './request-ids.ts';
import { type Returned, textOf } from './returned.ts';

const JSON_TYPE = 'application/json';
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Headers of a function's answer that a refused client gets. */
const PASSED = /^(x-.*|set-cookie|www-authenticate|retry-after|location|allow)$/;

export type InAwsWords = { readonly status: number; readonly code: ErrorCode; readonly message: string };

/** A refusal in AWS's words: `{"message","connectionId","requestId"}`. */
export function awsRefusal({ party }: OpenEvent, { status, code, message }: InAwsWords): Refusal {
  const { requestId } = requestIdsOf(openEventId(party.key));
  return { ...refused(status, code, message), body: { contentType: JSON_TYPE, data: errorText(message, party.id, requestId) } };
}

/** The id of a connection's first event: what follows from it is the same at every retry. */
export function openEventId(key: string): string {
  return `${key}.0`;
}

/** The function does not let this client in: its own status, body and safe headers are the answer. */
export function refusedByFunction(event: OpenEvent, { status, headers, body }: Extract<Returned, { type: 'answer' }>): Refusal {
  const refusal = awsRefusal(event, { status, code: 'REFUSED', message: messageOf(status) });
  const passed = passedHeaders(headers);
  if (status === 401) passed['www-authenticate'] ??= 'Bearer'; // RFC 9110 §15.5.2 wants one
  if (body === null) return { ...refusal, headers: passed };
  const contentType = textOf(headers['content-type']);
  const isType = contentType !== undefined && HEADER_VALUE.test(contentType);
  return { ...refusal, headers: passed, body: { contentType: isType ? contentType : JSON_TYPE, data: body.data } };
}

function passedHeaders(headers: AnswerHeaders): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, values] of Object.entries(headers)) {
    const value = textOf(values);
    if (PASSED.test(name) && HEADER_NAME.test(name) && value !== undefined && HEADER_VALUE.test(value)) passed[name] = value;
  }
  return passed;
}

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/** Names and values of the 101 that the function may choose. */
export function acceptedHeaders(headers: AnswerHeaders): (readonly [string, string])[] {
  return Object.entries(headers).flatMap(([name, values]) => {
    if ((name !== 'set-cookie' && !name.startsWith('x-')) || !HEADER_NAME.test(name)) return [];
    const all = typeof values === 'string' ? [values] : (values ?? []);
    return all.filter((value) => HEADER_VALUE.test(value)).map((value) => [name === 'set-cookie' ? 'Set-Cookie' : name, value] as const);
  });
}

function messageOf(status: number): string {
  if (status === 401) return 'Unauthorized';
  if (status === 403) return 'Forbidden';
  return status >= 500 ? 'Internal server error' : `$connect answered ${status}`;
}
