import { shown } from '../backends/handlers/frames.ts';
import type { Client } from '../backends/handlers/handlers.ts';
import type { CloseEvent, Message, OpenRequest } from '../core/events.ts';
import type { Observer } from '../core/observer.ts';
import type { Party } from '../core/party.ts';
import type { Log } from '../core/ports.ts';
import { handshakeOf } from '../backends/handlers/handshake.ts';
import type { Observers } from './surface.ts';

type Listeners = { readonly [Event in keyof Observers]: Set<Observers[Event]> };

/** The program's observers as one of the core's: each hears after the core has counted, and what one throws is logged. */
export class Watching implements Observer {
  readonly #clientOf: (party: Party) => Client;
  readonly #log: Log;
  readonly #listeners: Listeners = { open: new Set(), message: new Set(), close: new Set() };

  constructor({ clientOf, log }: { readonly clientOf: (party: Party) => Client; readonly log: Log }) {
    this.#clientOf = clientOf;
    this.#log = log;
  }

  on<Event extends keyof Observers>(event: Event, observer: Observers[Event]): () => void {
    if (!Object.hasOwn(this.#listeners, event))
      throw new TypeError(`there are observers of ${Object.keys(this.#listeners).join(', ')}; not of ${shown(event)}`);
    if (typeof observer !== 'function') throw new TypeError(`an observer must be a function, ${shown(observer)} came`);
    const own = ((...parts: Parameters<Observers[Event]>) => (observer as (...all: unknown[]) => void)(...parts)) as Observers[Event]; // one function may observe twice
    this.#listeners[event].add(own);
    return () => void this.#listeners[event].delete(own);
  }

  opened(party: Party, request: OpenRequest): void {
    const { open } = this.#listeners;
    if (open.size > 0) this.#tell(open, (one) => one(this.#clientOf(party), handshakeOf(party.id, request)));
  }

  received(party: Party, _bytes: number, { data, isBinary }: Message): void {
    const { message } = this.#listeners;
    if (message.size > 0) this.#tell(message, (one) => one(this.#clientOf(party), isBinary ? data : data.toString(), !isBinary));
  }

  closed({ party, code, reason }: CloseEvent): void {
    const { close } = this.#listeners;
    if (close.size > 0) this.#tell(close, (one) => one(this.#clientOf(party), code, reason));
  }

  refused(): void {}

  pushed(): void {}

  counted(): void {}

  #tell<Listener>(listeners: ReadonlySet<Listener>, call: (listener: Listener) => unknown): void {
    const threw = (error: unknown): void => this.#log.error({ err: error }, 'an observer threw');
    for (const listener of listeners) {
      try {
        const result = call(listener);
        if (result instanceof Promise) result.catch(threw);
      } catch (error) {
        threw(error);
      }
    }
  }
}
