import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

/** Pieces that wait before they are joined, and what makes a piece small. */
const PIECES = 64;
const SMALL_BYTES = 1_024;
/** A view of a larger buffer keeps all of it: up to so many times its own size, or this many bytes, is put up with. */
const PINNED_TIMES = 4;
const PINNED_BYTES = 8_192;

/** The parts of `ws` 8.23.0 that are looked into (test/patched-libraries.test.ts). */
type Receiver = { readonly _buffers: Buffer[]; readonly _fragments: Buffer[] };

/**
 * Keeps what `ws` holds of an unfinished message near what it carries. `ws` keeps every piece as a Buffer of its own,
 * which costs 200 bytes more than it carries, and as a view of the whole read that it came in: a peer that sends single
 * bytes, or fragments of one byte, would cost many times its bytes. So the small pieces at the end of the list are joined
 * when there are many or when they keep a large buffer; each byte is copied a bounded number of times, however long the
 * message. To be called once, after `ws` has begun to read.
 */
export function boundUnfinished(ws: WebSocket, stream: Duplex): void {
  stream.on('data', () => compact(ws));
}

function compact(ws: WebSocket): void {
  const { _buffers: buffers, _fragments: fragments } = (ws as unknown as { readonly _receiver: Receiver })._receiver;
  if (buffers.length > 0) join(buffers);
  if (fragments.length > 0) join(fragments);
}

function join(pieces: Buffer[]): void {
  const last = pieces.at(-1);
  if (last === undefined || (pieces.length < PIECES && !isPinning(last))) return;
  let first = pieces.length;
  while (first > 0 && (pieces[first - 1]?.length ?? SMALL_BYTES) < SMALL_BYTES) first -= 1;
  const small = pieces.length - first;
  if (small > 1 && (small >= PIECES || isPinning(last))) pieces.splice(first, small, own(pieces.slice(first)));
  else if (isPinning(last)) pieces[pieces.length - 1] = own([last]);
}

function isPinning({ buffer, length }: Buffer): boolean {
  return buffer.byteLength > Math.max(PINNED_BYTES, PINNED_TIMES * length);
}

/** A copy with a memory of its own: one from Node's pool would keep 8 KB of it. */
function own(pieces: readonly Buffer[]): Buffer {
  const copy = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) at += piece.copy(copy, at);
  return copy;
}
