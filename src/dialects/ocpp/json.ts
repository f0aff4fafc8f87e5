import { isUtf8 } from 'node:buffer';
import { jsonText } from '../../wire/http-messages.ts';
import { isObject } from './errors.ts';

/** Deepest nesting that is parsed. OCPP's own messages have under ten levels. */
export const MAX_DEPTH = 64;

/** More elements than any frame has; what lies behind them needs no bounds. */
const MAX_BOUNDS = 8;

/**
 * One pass before `JSON.parse`: where the elements of the outermost array begin and end, or null where it nests deeper
 * than `MAX_DEPTH`. Element k is between bounds k and k + 1. The bounds of a text that is not JSON mean nothing.
 */
export function outline(text: string): number[] | null {
  const bounds: number[] = [];
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    switch (text.charCodeAt(index)) {
      case 0x22: // "
        index = endOfString(text, index);
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        if (depth > MAX_DEPTH) return null;
        if (depth === 1) bounds.push(index);
        break;
      case 0x5d: // ]
      case 0x7d: // }
        if (depth === 1) bounds.push(index);
        depth -= 1;
        break;
      case 0x2c: // ,
        if (depth === 1 && bounds.length < MAX_BOUNDS) bounds.push(index);
        break;
    }
  }
  return bounds;
}

function endOfString(text: string, start: number): number {
  let index = start + 1;
  for (; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    if (character === 0x22) break;
    if (character === 0x5c) index += 1; // a backslash takes the next character with it
  }
  return index;
}

export type ParsedJson = { readonly text: string; readonly value: unknown; readonly bounds: readonly number[] };

/** Null: not UTF-8, not JSON, or nested too deep. */
export function parseJson(data: Buffer): ParsedJson | null {
  if (!isUtf8(data)) return null;
  const text = jsonText(data);
  const bounds = outline(text);
  if (bounds === null) return null;
  try {
    return { text, value: JSON.parse(text), bounds };
  } catch {
    return null;
  }
}

/** The text of one element of a parsed array. */
export function elementOf({ text, bounds }: ParsedJson, index: number): string {
  return text.slice((bounds[index] ?? 0) + 1, bounds[index + 1]).trim();
}

/** A payload from the backend's side: nothing and `null` are the empty object, which 1.6's schemas demand. Null if it is no object. */
export function readPayload(body: Buffer): string | null {
  if (body.length === 0) return '{}';
  const parsed = parseJson(body);
  if (parsed === null) return null;
  if (parsed.value === null) return '{}';
  return isObject(parsed.value) ? parsed.text.trim() : null;
}
