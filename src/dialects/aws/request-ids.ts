import { hash } from 'node:crypto';

/** The two ids of one event, in the form that AWS gives them: 11 bytes in base64url, 16 characters. */
export type RequestIds = { readonly requestId: string; readonly messageId: string };

const BYTES = 11;

/** They follow from the event's own id: a repeated event has them again, so that a handler may know it by them. */
export function requestIdsOf(eventId: string): RequestIds {
  const digest = hash('sha256', eventId, 'buffer');
  return {
    requestId: `${digest.toString('base64url', 0, BYTES)}=`,
    messageId: `${digest.toString('base64url', BYTES, 2 * BYTES)}=`,
  };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** Of the characters of an id, those that differ from message to message: 30 bits. */
const [VARIED_FROM, VARIED_TO] = [9, 14];
const VARIED_MASK = 2 ** 30 - 1;
/** Odd, so that different numbers stay different. */
const SCATTER = 0x9e37_79b1;

/** The ids of one connection's messages: one hash for all of them, as a hash for each would cost more than the event's JSON. */
export class MessageIds {
  readonly #requests: Series;
  readonly #messages: Series;

  constructor(key: string) {
    const { requestId, messageId } = requestIdsOf(`${key}.messages`);
    this.#requests = seriesOf(requestId);
    this.#messages = seriesOf(messageId);
  }

  /** `seq`: the message's number on its connection. */
  of(seq: number): RequestIds {
    return { requestId: textOf(this.#requests, seq), messageId: textOf(this.#messages, seq) };
  }
}

type Series = { readonly start: string; readonly varied: number; readonly end: string };

function seriesOf(id: string): Series {
  const varied = id
    .slice(VARIED_FROM, VARIED_TO)
    .split('')
    .reduce((bits, character) => bits * 64 + ALPHABET.indexOf(character), 0);
  return { start: id.slice(0, VARIED_FROM), varied, end: id.slice(VARIED_TO) };
}

function textOf({ start, varied, end }: Series, seq: number): string {
  const bits = (Math.imul(seq, SCATTER) ^ varied) & VARIED_MASK;
  return `${start}${at(bits >>> 24)}${at(bits >>> 18)}${at(bits >>> 12)}${at(bits >>> 6)}${at(bits)}${end}`;
}

function at(bits: number): string {
  return ALPHABET.charAt(bits & 63);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Epoch ms as in the Common Log Format, in UTC: `20/Jan/2024:11:55:00 +0000`. */
export function requestTimeOf(epochMs: number): string {
  const second = Math.floor(epochMs / 1_000);
  if (second !== latest.second) latest = { second, text: commonLogTime(second) };
  return latest.text;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Many events fall into one second. */
let latest = { second: Number.NaN, text: '' };

function commonLogTime(second: number): string {
  const date = new Date(second * 1_000);
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}
