import type { Duplex, Writable } from 'node:stream';
import type { WebSocket } from 'ws';

/** The part of `ws` 8.23.0 that is looked into (test/patched-libraries.test.ts). */
type Receiving = { readonly _receiver: Writable };

/**
 * `ws` ends its streams again whenever it hears of an end, and Node makes an Error with its stack for each, which nobody
 * sees: a tenth of what a close costs. To be called once, after `ws` has begun to read.
 */
export function endOnce(ws: WebSocket, stream: Duplex): void {
  stream.end = endUnlessEnded;
  (ws as unknown as Receiving)._receiver.end = endUnlessEnded;
}

function endUnlessEnded<Stream extends Writable>(this: Stream, ...args: unknown[]): Stream {
  const { end } = Object.getPrototypeOf(this) as { readonly end: (this: Stream, ...args: unknown[]) => unknown };
  if (!this.writableEnded) end.apply(this, args);
  return this;
}
