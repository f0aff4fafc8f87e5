import type { OpenVerdict, Refusal } from '../../core/events.ts';
import { tagProblem } from '../../core/tag-index.ts';
import { refused, refusedBy } from '../../wire/verdicts.ts';
import { changesOf, messageOf, shown } from './frames.ts';
import type { Tags } from './handlers.ts';

type Offer = { readonly offered: readonly string[]; readonly maxMessageBytes: number };

const ACCEPTED: OpenVerdict = { type: 'accepted', tags: null, data: null, subprotocol: null, message: null, headers: [] };
const PROPERTIES = new Set(['refuse', 'message', 'headers', 'tags', 'subprotocol']);
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const ON_UPGRADE = /^(set-cookie|x-.+)$/i;
/** Of the connection and of the body, which are the gateway's. */
const OWN_ON_REFUSAL = /^(connection|content-length|transfer-encoding|keep-alive|upgrade|trailer|te|sec-websocket-.*)$/i;
const NOTHING = Buffer.alloc(0);

/** What `onOpen` returned, as a verdict. A mistake in it lets nobody in: 502, and the text says what was wanted. */
export function readAdmission(value: unknown, { offered, maxMessageBytes }: Offer): OpenVerdict {
  if (value === undefined || value === null) return ACCEPTED;
  if (typeof value !== 'object' || Array.isArray(value)) return unreadable(`an object or nothing was wanted, ${shown(value)} came`);
  const admission = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(admission).find((name) => !PROPERTIES.has(name)); // a slip must not let in whom it was to refuse
  if (unknown !== undefined) return unreadable(`${shown(unknown)} is none of ${[...PROPERTIES].join(', ')}`);
  return admission['refuse'] === undefined
    ? withoutMistakes(() => acceptance(admission, { offered, maxMessageBytes }), { ...unreadable(''), wasAccepted: true })
    : withoutMistakes(() => refusalOf(admission), unreadable(''));
}

/** What is wrong with the value is thrown as a TypeError where it is found. */
function withoutMistakes(read: () => OpenVerdict, otherwise: Refusal): OpenVerdict {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { ...otherwise, failure: failureOf(error.message) };
  }
}

function acceptance(
  { message, headers, tags, subprotocol }: Readonly<Record<string, unknown>>,
  { offered, maxMessageBytes }: Offer,
): OpenVerdict {
  if (subprotocol !== undefined && !offered.includes(subprotocol as string))
    throw new TypeError('subprotocol must be one of those that the client offered');
  const first = message === undefined ? null : messageOf(message as string);
  if (first !== null && first.data.length > maxMessageBytes) throw new TypeError(`message must have at most ${maxMessageBytes} bytes`);
  const read = tags === undefined ? null : new Map(changesOf(tags as Tags));
  const problem = read === null ? null : tagProblem(read);
  if (problem !== null) throw new TypeError(problem);
  return {
    type: 'accepted',
    tags: read,
    data: null,
    subprotocol: (subprotocol as string | undefined) ?? null,
    message: first,
    headers: linesOf(headers, (name) =>
      ON_UPGRADE.test(name) ? null : `headers of the 101 may be Set-Cookie and X-*, not ${shown(name)}`,
    ),
  };
}

function refusalOf({ refuse, message, headers }: Readonly<Record<string, unknown>>): Refusal {
  if (!Number.isInteger(refuse) || (refuse as number) < 300 || (refuse as number) > 599)
    throw new TypeError(`refuse must be an HTTP status from 300 to 599, ${shown(refuse)} came`);
  const lines = linesOf(headers, (name) => (OWN_ON_REFUSAL.test(name) ? `the header ${shown(name)} is set by the gateway itself` : null));
  const own = byName(lines);
  const refusal = refusedBy({ type: 'answer', status: refuse as number, headers: own, body: NOTHING }, 'REFUSED');
  const owed = Object.entries(refusal.headers ?? {}).filter(([name]) => own[name.toLowerCase()] === undefined);
  const body = message === undefined ? null : messageOf(message as string);
  const standard = body?.isBinary === true ? 'application/octet-stream' : 'text/plain; charset=utf-8';
  const contentType = typeof own['content-type'] === 'string' ? own['content-type'] : standard;
  const all = { ...refusal, headers: { ...Object.fromEntries(owed), ...own } };
  return body === null ? all : { ...all, body: { contentType, data: body.data } };
}

function linesOf(headers: unknown, problemOf: (name: string) => string | null): (readonly [string, string])[] {
  if (headers === undefined) return [];
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers))
    throw new TypeError(`headers must be an object, ${shown(headers)} came`);
  const lines: (readonly [string, string])[] = [];
  for (const [name, content] of Object.entries(headers)) {
    if (content === undefined) continue;
    if (!NAME.test(name)) throw new TypeError(`${shown(name)} is no name of a header`);
    const problem = problemOf(name);
    if (problem !== null) throw new TypeError(problem);
    for (const line of Array.isArray(content) ? (content as unknown[]) : [content]) {
      if (typeof line !== 'string' || !VALUE.test(line))
        throw new TypeError(`the header ${shown(name)} must be a printable string, or several`);
      lines.push([name, line]);
    }
  }
  return lines;
}

function byName(lines: readonly (readonly [string, string])[]): Readonly<Record<string, string | string[]>> {
  const headers: Record<string, string | string[]> = {};
  for (const [spelt, value] of lines) {
    const name = spelt.toLowerCase();
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

function unreadable(because: string): Refusal {
  return { ...refused(502, 'BAD_GATEWAY', 'the backend gave an answer that cannot be read'), failure: failureOf(because) };
}

function failureOf(mistake: string): Refusal['failure'] & object {
  return { reason: 'bad-answer', because: `what onOpen returned cannot be used: ${mistake}` };
}
