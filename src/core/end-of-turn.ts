import type { Writable } from 'node:stream';

/** Something that waits for the end of this turn of the event loop. */
export interface Waiting {
  endTurn(): void;
}

let waiting: Waiting[] = [];

/**
 * Calls `endTurn` once all events of this turn are handled, in the order of the calls. What one turn writes then leaves
 * together: a peer on the other end is woken once for many frames, and frames for one socket go out in one write.
 */
export function atEndOfTurn(one: Waiting): void {
  waiting.push(one);
  if (waiting.length === 1) setImmediate(endTurn);
}

/** What this stream is given leaves at the end of the turn, in one write; `one` takes the cork off then. */
export function corkToEndOfTurn(stream: Writable, one: Waiting): void {
  if (stream.writableCorked !== 0) return;
  stream.cork();
  atEndOfTurn(one);
}

function endTurn(): void {
  const now = waiting;
  waiting = [];
  for (const one of now) one.endTurn();
}
