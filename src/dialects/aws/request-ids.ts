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
