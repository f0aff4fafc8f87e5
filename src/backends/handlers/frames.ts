import { isUtf8 } from 'node:buffer';
import { CLOSE, isSendableCloseCode, MAX_REASON_BYTES } from '../../core/close-codes.ts';
import type { PushOutcome } from '../../core/commands.ts';
import type { Message, TagChanges } from '../../core/events.ts';
import type { Sent, Tags } from './handlers.ts';

/** What a program hands over as a message. Text for a string, binary for bytes, unless `binary` says otherwise. Throws a TypeError. */
export function messageOf(data: string | Uint8Array, binary?: boolean): Message {
  if (typeof data === 'string') return { data: Buffer.from(data), isBinary: binary === true };
  if (!(data instanceof Uint8Array)) throw new TypeError(`a message must be a string or bytes (Uint8Array), ${shown(data)} came`);
  const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (binary === false && !isUtf8(bytes)) throw new TypeError('a text message must be UTF-8; these bytes are not (RFC 6455 §5.6)');
  return { data: bytes, isBinary: binary !== false };
}

/** What a close frame is to carry. Throws a RangeError where none may (RFC 6455 §7.4). */
export function closingOf(code: number = CLOSE.NORMAL, reason = ''): { readonly code: number; readonly reason: string } {
  if (!isSendableCloseCode(code))
    throw new RangeError(`a close code must be 1000, 1001, 1003, 1007 to 1014 or 3000 to 4999; ${shown(code)} came`);
  if (typeof reason !== 'string' || Buffer.byteLength(reason) > MAX_REASON_BYTES)
    throw new RangeError(`a close reason must be a text of at most ${MAX_REASON_BYTES} bytes; ${shown(reason)} came`);
  return { code, reason };
}

/** Throws a TypeError for what are no tags; their limits are the core's. */
export function changesOf(tags: Tags): TagChanges {
  if (typeof tags !== 'object' || tags === null) throw new TypeError(`tags must be an object of strings, ${shown(tags)} came`);
  const changes: (readonly [string, string])[] = [];
  for (const [key, value] of Object.entries(tags)) {
    if (value === undefined) continue;
    if (typeof value !== 'string') throw new TypeError(`the tag ${shown(key)} must be a string, ${shown(value)} came`);
    changes.push([key, value]);
  }
  return changes;
}

export function sentOf({ type }: PushOutcome): Exclude<Sent, never> | 'unavailable' {
  switch (type) {
    case 'sent':
    case 'queued':
    case 'slow':
    case 'too-long':
      return type;
    case 'not-found':
    case 'not-text':
    case 'invalid':
      return 'gone';
    case 'unavailable':
    case 'timeout':
      return 'unavailable';
  }
}

/** A value as a message may name it: short, and never the whole of what came. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
    case 'number':
    case 'boolean':
    case 'undefined':
    case 'bigint':
      return String(value);
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'a list' : 'an object';
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
  }
}
