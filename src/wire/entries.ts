import type { CloseEvent, MessageEvent, OpenEvent } from '../core/events.ts';

/** An event as an entry of a stream (docs/dialects/stream.md#entries). */
export type Entry = {
  readonly eventId: string;
  /** Name, value, name, value …, in their order. Only a message is a Buffer. */
  readonly fields: readonly (string | Buffer)[];
  /** Is the message, where there is one, no text? */
  readonly isBinary: boolean;
};

/** What the name of a stream may take from an event; undefined: the event has no such thing. */
export type Variables = {
  readonly tag: (name: string) => string | undefined;
  readonly json: (name: string) => string | undefined;
};

/** How a dialect writes events into a stream, as pure functions: no I/O, no state, no exception for any input. */
export interface EntryCodec {
  open(event: OpenEvent): Entry;
  message(event: MessageEvent): Entry;
  close(event: CloseEvent): Entry;
  /** Costs a parse of the message where a name asks for a value of its JSON. */
  variables(event: OpenEvent | MessageEvent | CloseEvent): Variables;
}
