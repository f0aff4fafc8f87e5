import { isUtf8 } from 'node:buffer';

/**
 * A second reading of RFC 6455 §5 to §8, without a line of `ws`: what a server that echoes must do with the bytes of a
 * client. Where the RFC leaves a choice, the set of codes says so.
 */
export type FrameReading = {
  /** Whole messages, in order: each comes back. */
  readonly messages: readonly Message[];
  /** Payloads of pings: answered, or the latest of several that wait (RFC 6455 §5.5.3). */
  readonly pings: readonly Buffer[];
  /** What ends the connection; null: nothing in these bytes does. */
  readonly end: FrameEnd | null;
  /** Is the last frame or message not all there? Then nothing can be told of what follows. */
  readonly isOpen: boolean;
};

export type Message = { readonly isText: boolean; readonly payload: Buffer };
/** The codes that the server's close frame may have. `mayPass`: the RFC also allows that nothing happens. */
export type FrameEnd = { readonly why: string; readonly codes: readonly number[]; readonly mayPass?: boolean };

const PROTOCOL_ERROR = 1002;
const NOT_UTF8 = 1007;
const TOO_BIG = 1009;

type Header = {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly isMasked: boolean;
  readonly length: number;
  readonly isMinimal: boolean;
  readonly start: number;
};

export function readClientFrames(bytes: Buffer, maxMessageBytes: number): FrameReading {
  const messages: Message[] = [];
  const pings: Buffer[] = [];
  let pieces: { readonly isText: boolean; readonly parts: Buffer[]; length: number } | null = null;
  let at = 0;
  let isOdd = false;
  const ended = (why: string, ...codes: number[]): FrameReading => ({
    messages,
    pings,
    end: { why, codes, ...(isOdd && { mayPass: true }) },
    isOpen: false,
  });
  while (at < bytes.length) {
    const header = readHeader(bytes, at);
    const wrong = problemOf(header ?? partOf(bytes, at), pieces !== null);
    if (wrong !== null) return ended(wrong, PROTOCOL_ERROR);
    if (header === null) break;
    const { opcode, fin, length, start } = header;
    const isControl = opcode >= 8;
    if (!header.isMasked) return ended('a frame that is not masked (§5.1)', PROTOCOL_ERROR);
    if (length > Number.MAX_SAFE_INTEGER) return ended('a length of 2^53 and more', TOO_BIG, PROTOCOL_ERROR);
    if (!isControl && length + (pieces?.length ?? 0) > maxMessageBytes) return ended('a message over the limit (§7.4.1)', TOO_BIG);
    if (!header.isMinimal) isOdd = true; // RFC 6455 §5.2 forbids it to clients; what a server makes of it is its own affair
    const stop = start + 4 + length;
    if (bytes.length < stop) break;
    const payload = unmasked(bytes.subarray(start, start + 4), bytes.subarray(start + 4, stop));
    at = stop;
    if (opcode === 8) return { messages, pings, end: endOf(payload), isOpen: false };
    if (opcode === 9) pings.push(payload);
    if (isControl) continue;
    pieces ??= { isText: opcode === 1, parts: [], length: 0 };
    pieces.parts.push(payload);
    pieces.length += length;
    if (!fin) continue;
    const whole = Buffer.concat(pieces.parts);
    if (pieces.isText && !isUtf8(whole)) return ended('text that is not UTF-8 (§8.1)', NOT_UTF8);
    messages.push({ isText: pieces.isText, payload: whole });
    pieces = null;
  }
  const isOpen = at < bytes.length || pieces !== null;
  const isOddOnly = isOdd && !isOpen;
  const end = isOddOnly ? { why: 'a length that is not minimal (§5.2)', codes: [PROTOCOL_ERROR], mayPass: true } : null;
  return { messages, pings, end, isOpen };
}

/** What can be told of a frame from its first bytes. */
type Part = Pick<Header, 'fin' | 'rsv' | 'opcode'> & { readonly length: number | null };

function partOf(bytes: Buffer, at: number): Part {
  const [first = 0] = bytes.subarray(at);
  const second = bytes[at + 1];
  return { fin: (first & 128) !== 0, rsv: first & 0x70, opcode: first & 15, length: second === undefined ? null : second & 127 };
}

function problemOf({ fin, rsv, opcode, length }: Part, isWithinMessage: boolean): string | null {
  if (length === null) return null; // one byte only: a server may wait for the second
  if (rsv !== 0) return 'a reserved bit without an extension (§5.2)';
  if ((opcode > 2 && opcode < 8) || opcode > 10) return `the reserved opcode ${opcode} (§5.2)`;
  if (opcode >= 8) {
    if (!fin) return 'a control frame in fragments (§5.5)';
    return length > 125 ? 'a control frame of over 125 bytes (§5.5)' : null;
  }
  if (opcode === 0 && !isWithinMessage) return 'a continuation of nothing (§5.4)';
  return opcode !== 0 && isWithinMessage ? 'a message within a message (§5.4)' : null;
}

/** Null where it is not all there. */
function readHeader(bytes: Buffer, at: number): Header | null {
  if (bytes.length < at + 2) return null;
  const part = partOf(bytes, at);
  const isMasked = ((bytes[at + 1] ?? 0) & 128) !== 0;
  const short = part.length ?? 0;
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
  const start = at + 2 + extra;
  if (bytes.length < start) return null;
  const length = extra === 2 ? bytes.readUInt16BE(at + 2) : extra === 8 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
  const isMinimal = extra === 0 || length > (extra === 2 ? 125 : 65_535);
  return { ...part, isMasked, length, isMinimal, start };
}

/** RFC 6455 §5.5.1 and §7.4. */
function endOf(payload: Buffer): FrameEnd {
  if (payload.length === 0) return { why: 'a close frame without a code', codes: [1000, 1005] };
  if (payload.length === 1) return { why: 'a close frame of one byte', codes: [PROTOCOL_ERROR] };
  const code = payload.readUInt16BE(0);
  const isUsable =
    code === 1000 || code === 1001 || code === 1002 || code === 1003 || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
  if (!isUsable) return { why: `close code ${code}`, codes: [PROTOCOL_ERROR] };
  if (!isUtf8(payload.subarray(2))) return { why: 'a close reason that is not UTF-8', codes: [NOT_UTF8] };
  return { why: `close code ${code}`, codes: [code, 1000] };
}

function unmasked(mask: Buffer, payload: Buffer): Buffer {
  const plain = Buffer.allocUnsafe(payload.length);
  for (let at = 0; at < payload.length; at += 1) plain[at] = (payload[at] ?? 0) ^ (mask[at & 3] ?? 0);
  return plain;
}
