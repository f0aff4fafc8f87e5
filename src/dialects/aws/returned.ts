import { isUtf8 } from 'node:buffer';
import type { Message } from '../../core/events.ts';
import type { AnswerHeaders, BackendAnswer } from '../../wire/calls.ts';
import { codingProblem, isBinaryType, parseJson } from '../../wire/http-messages.ts';

/** What a function said, whichever way it was asked. */
export type Returned =
  | {
      readonly type: 'answer';
      readonly status: number;
      /** Names in lower case. */
      readonly headers: AnswerHeaders;
      /** Null: none, or an empty one. */
      readonly body: Message | null;
    }
  /** It returned null, undefined or nothing at all. */
  | { readonly type: 'nothing' }
  /** It returned what AWS would call malformed. */
  | { readonly type: 'malformed'; readonly detail: string };

const NOTHING: Returned = { type: 'nothing' };

/** Reads the return value of a function: `{statusCode, headers?, multiValueHeaders?, body?, isBase64Encoded?}`. */
export function readEnvelope(payload: Buffer): Returned {
  let value: unknown;
  try {
    value = payload.length === 0 ? null : parseJson(payload);
  } catch {
    return malformed('it is no JSON');
  }
  if (value === null) return NOTHING;
  if (typeof value !== 'object' || Array.isArray(value)) return malformed('it is no JSON object');
  const { statusCode, headers, multiValueHeaders, body, isBase64Encoded } = value as Readonly<Record<string, unknown>>;
  const status = typeof statusCode === 'string' && /^\d{3}$/.test(statusCode) ? Number(statusCode) : statusCode;
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 100 || status > 599)
    return malformed('its statusCode is no status of HTTP');
  const read = readHeaders(headers, multiValueHeaders);
  if (read === null) return malformed('its headers are no object of texts');
  if (body === undefined || body === null || body === '') return { type: 'answer', status, headers: read, body: null };
  if (typeof body !== 'string') return malformed('its body is no string');
  const isBinary = isBase64Encoded === true;
  return { type: 'answer', status, headers: read, body: { data: Buffer.from(body, isBinary ? 'base64' : 'utf8'), isBinary } };
}

/** Reads an answer in the words of HTTP; a body is text unless its type says otherwise. */
export function readHttp(answer: BackendAnswer): Returned {
  const { status, headers, body } = answer;
  const problem = codingProblem(answer);
  if (problem !== null) return malformed(problem);
  if (body.length === 0) return { type: 'answer', status, headers, body: null };
  const isBinary = isBinaryType(textOf(headers['content-type']));
  if (!isBinary && !isUtf8(body)) return malformed('its body is no UTF-8');
  return { type: 'answer', status, headers, body: { data: body, isBinary } };
}

/** The last value of a header. */
export function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' || value === undefined ? value : value.at(-1);
}

function readHeaders(single: unknown, multiple: unknown): AnswerHeaders | null {
  const headers = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of entriesOf(single)) {
    if (!isPlain(value)) return null;
    headers[name.toLowerCase()] = String(value);
  }
  for (const [name, values] of entriesOf(multiple)) {
    if (!Array.isArray(values) || !values.every(isPlain)) return null;
    headers[name.toLowerCase()] = values.map(String);
  }
  return isObject(single) && isObject(multiple) ? headers : null;
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function isObject(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && !Array.isArray(value));
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function malformed(detail: string): Returned {
  return { type: 'malformed', detail };
}
