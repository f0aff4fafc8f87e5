import { shown } from '../backends/handlers/frames.ts';
import type { Client } from '../backends/handlers/handlers.ts';
import type { CloseEvent, MessageEvent, OpenRequest } from '../core/events.ts';
import type { Listener, Observers as CoreObservers } from '../core/observer.ts';
import type { Party } from '../core/party.ts';
import type { Log } from '../core/ports.ts';
import { handshakeOf } from '../backends/handlers/handshake.ts';
import type { Observers } from './surface.ts';

/** Where listeners hear of everything that happens. */
export type Watched = Pick<CoreObservers, 'attach' | 'detach'>;

type Heard = { readonly [Event in keyof Observers]: Set<Observers[Event]> };

/** The program's observers: attached to the core's as long as there are some, so that nobody else pays. What one throws is logged. */
export class Watching {
  readonly #clientOf: (party: Party) => Client;
  readonly #log: Log;
  readonly #heard: Heard = { open: new Set(), message: new Set(), close: new Set() };
  readonly #listeners: { readonly [Event in keyof Observers]: Listener };
  #watched: Watched | null = null;

  constructor({ clientOf, log }: { readonly clientOf: (party: Party) => Client; readonly log: Log }) {
    this.#clientOf = clientOf;
    this.#log = log;
    this.#listeners = {
      open: { opened: (party, _askedAt, request) => this.#opened(party, request) },
      message: { received: (event) => this.#received(event) },
      close: { closed: (event) => this.#closed(event) },
    };
  }

  /** There is something to hear of. */
  watch(watched: Watched): void {
    this.#watched = watched;
    for (const event of ['open', 'message', 'close'] as const) if (this.#heard[event].size > 0) watched.attach(this.#listeners[event]);
  }

  on<Event extends keyof Observers>(event: Event, observer: Observers[Event]): () => void {
    if (!Object.hasOwn(this.#heard, event))
      throw new TypeError(`there are observers of ${Object.keys(this.#heard).join(', ')}; not of ${shown(event)}`);
    if (typeof observer !== 'function') throw new TypeError(`an observer must be a function, ${shown(observer)} came`);
    const own = ((...parts: Parameters<Observers[Event]>) => (observer as (...all: unknown[]) => void)(...parts)) as Observers[Event]; // one function may observe twice
    this.#heard[event].add(own);
    this.#watched?.attach(this.#listeners[event]);
    return () => {
      this.#heard[event].delete(own);
      if (this.#heard[event].size === 0) this.#watched?.detach(this.#listeners[event]);
    };
  }

  #opened(party: Party, request: OpenRequest): void {
    this.#tell(this.#heard.open, (one) => one(this.#clientOf(party), handshakeOf(party.id, request)));
  }

  /** Bytes are copied: what an observer does with them changes nothing. */
  #received({ party, data, isBinary }: MessageEvent): void {
    this.#tell(this.#heard.message, (one) => one(this.#clientOf(party), isBinary ? Buffer.from(data) : data.toString(), !isBinary));
  }

  #closed({ party, code, reason }: CloseEvent): void {
    this.#tell(this.#heard.close, (one) => one(this.#clientOf(party), code, reason));
  }

  #tell<Heard>(listeners: ReadonlySet<Heard>, call: (listener: Heard) => unknown): void {
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
