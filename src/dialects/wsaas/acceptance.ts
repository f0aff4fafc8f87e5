import type { OpenVerdict, Refusal } from '../../core/events.ts';
import { tagProblem } from '../../core/tag-index.ts';
import { parseJson } from '../../wire/http-messages.ts';

const MAX_DATA_BYTES = 4_096;
const SENDABLE_HEADER = /^(set-cookie|x-[!#$%&'*+\-.^_`|~0-9a-z]+)$/i;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Reads the 2xx answer to `open`. A mistake in it refuses the client with 502 and says what was wanted. */
export function readAcceptance(body: Buffer, offered: readonly string[], maxMessageBytes: number): OpenVerdict {
  let answer: Record<string, unknown>;
  try {
    const parsed: unknown = parseJson(body);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return wrong('a JSON object was wanted');
    answer = parsed as Record<string, unknown>;
  } catch {
    return wrong('a JSON object such as {"code":"OK"} was wanted');
  }
  if (answer['code'] !== 'OK') {
    return {
      type: 'refused',
      status: 403,
      code: typeof answer['code'] === 'string' ? answer['code'] : 'FORBIDDEN',
      message: 'the backend did not let this client in',
    };
  }
  const { data = null, subprotocol = null, message = null } = answer;
  if (data !== null && (typeof data !== 'string' || data.length > MAX_DATA_BYTES || !/^[\x20-\x7e]*$/.test(data))) {
    return unusable(`data must be visible ASCII of at most ${MAX_DATA_BYTES} bytes`);
  }
  if (subprotocol !== null && (typeof subprotocol !== 'string' || !offered.includes(subprotocol)))
    return unusable('subprotocol must be one of those that the client offered');
  if (message !== null && typeof message !== 'string') return unusable('message must be a string');
  const text = message === null ? null : Buffer.from(message);
  if (text !== null && text.length > maxMessageBytes) return unusable(`message must have at most ${maxMessageBytes} bytes`);
  const tags = readTags(answer['tags']);
  if (typeof tags === 'string') return unusable(tags);
  const headers = readHeaders(answer['headers']);
  if (typeof headers === 'string') return unusable(headers);
  return { type: 'accepted', tags, data, subprotocol, message: text === null ? null : { data: text, isBinary: false }, headers };
}

function readTags(value: unknown): ReadonlyMap<string, string> | null | string {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'object' || Array.isArray(value)) return 'tags must be an object of strings';
  const tags = new Map<string, string>();
  for (const [key, content] of Object.entries(value)) {
    if (typeof content !== 'string') return 'tags must be an object of strings';
    if (content !== '') tags.set(key, content);
  }
  return tagProblem(tags) ?? (tags.size === 0 ? null : tags);
}

function readHeaders(value: unknown): (readonly [string, string])[] | string {
  if (value === undefined || value === null) return [];
  if (typeof value !== 'object' || Array.isArray(value)) return 'headers must be an object';
  const headers: (readonly [string, string])[] = [];
  for (const [name, content] of Object.entries(value)) {
    if (!SENDABLE_HEADER.test(name)) return `headers may hold Set-Cookie and X-*, not ${JSON.stringify(name.slice(0, 40))}`;
    for (const line of Array.isArray(content) ? content : [content]) {
      if (typeof line !== 'string' || !HEADER_VALUE.test(line)) return `the header ${name} must be a printable string`;
      headers.push([name, line]);
    }
  }
  return headers;
}

function wrong(wanted: string): Refusal {
  return { type: 'refused', status: 502, code: 'BAD_GATEWAY', message: `the backend accepted in a way that cannot be read: ${wanted}` };
}

function unusable(wanted: string): Refusal {
  return { ...wrong(wanted), wasAccepted: true };
}
