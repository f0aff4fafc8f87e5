import { isUtf8 } from 'node:buffer';

/** `off`: nothing of it. `redacted`: of JSON its form, its keys without its values. `plain`: as it is. */
export type ShownPayloads = 'off' | 'redacted' | 'plain';

const MAX_CHARACTERS = 1_000;
/** Longer ones are not parsed: it would take time from the messages. */
const MAX_PARSED_BYTES = 8_192;
const MAX_HEX_BYTES = 64;

/** What people who watch see of a frame's payload; null: nothing. */
export function shownPayload(data: Buffer, isBinary: boolean, shown: ShownPayloads): string | null {
  switch (shown) {
    case 'off':
      return null;
    case 'redacted':
      return isBinary ? null : redacted(data);
    case 'plain':
      if (isBinary) return cut(data.subarray(0, MAX_HEX_BYTES).toString('hex'), data.length > MAX_HEX_BYTES);
      return isUtf8(data) ? textOf(data.subarray(0, MAX_CHARACTERS * 4).toString()) : null;
  }
}

function redacted(data: Buffer): string | null {
  if (data.length > MAX_PARSED_BYTES) return null;
  try {
    return textOf(JSON.stringify(JSON.parse(data.toString()), (_key, value: unknown) => (isLeaf(value) ? `‹${nameOf(value)}›` : value)));
  } catch {
    return null; // no JSON: all of it is value
  }
}

function isLeaf(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

function nameOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

function textOf(text: string): string {
  return cut(text.slice(0, MAX_CHARACTERS), text.length > MAX_CHARACTERS);
}

function cut(text: string, isCut: boolean): string {
  return isCut ? `${text}…` : text;
}
