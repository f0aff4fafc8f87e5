import type { Limits } from '../core/limits.ts';
import type { Observer } from '../core/observer.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Route } from '../core/route.ts';
import type { Timings } from '../core/timings.ts';
import type { BackendHealth } from '../wire/calls.ts';
import type { Speech } from '../wire/codec.ts';
import type { Tracing } from '../wire/tracing.ts';
import { openHttp } from './http/backend.ts';

/** What every kind of backend is made of. */
export type BackendParts = {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Observer;
  /** How long calls took, for metrics. */
  readonly timings: Timings;
  /** Null: nobody wants spans. */
  readonly tracing: Tracing | null;
  /** Sockets to each origin, and calls on one socket whose answers are still out. */
  readonly connections: number;
  readonly pipelining: number;
};

/** Who answers the events of a route, and takes the messages of its connections. */
export type Served = Pick<Route, 'backend' | 'intake'>;

/** What a route says of its backend. */
export type Spoken<Type extends Speech['type'] = Speech['type']> = {
  readonly url: URL;
  readonly speech: Extract<Speech, { readonly type: Type }>;
  readonly limits: Limits;
};

/** One kind of backend, opened when the first route needs it; what it holds is shared by all its routes. */
export type BackendKind<Type extends Speech['type'] = Speech['type']> = {
  serve(spoken: Spoken<Type>): Served | Promise<Served>;
  /** What is called, without secrets. */
  readonly targets: readonly string[];
  /** For metrics, where the kind knows. */
  readonly health?: readonly BackendHealth[];
  close(): Promise<void>;
};

/** By the way that a dialect speaks: one line each. What a kind needs beyond this is loaded by `open`, so that no start pays for what it does not use. */
const KINDS: { readonly [Type in Speech['type']]: (parts: BackendParts) => BackendKind<Type> | Promise<BackendKind<Type>> } = {
  http: openHttp,
};

/** All backends of a process. */
export class Backends {
  readonly #parts: BackendParts;
  readonly #open = new Map<string, Promise<BackendKind>>();
  readonly #targets = new Set<BackendKind>();

  constructor(parts: BackendParts) {
    this.#parts = parts;
  }

  async serve(spoken: Spoken): Promise<Served> {
    const kind = await this.#kind(spoken.speech.type);
    return kind.serve(spoken);
  }

  get targets(): readonly string[] {
    return [...this.#targets].flatMap(({ targets }) => targets);
  }

  get health(): readonly BackendHealth[] {
    return [...this.#targets].flatMap(({ health }) => health ?? []);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(async (kind) => (await kind).close()));
  }

  #kind(type: Speech['type']): Promise<BackendKind> {
    const known = this.#open.get(type);
    if (known !== undefined) return known;
    const opened = this.#openKind(type);
    this.#open.set(type, opened);
    opened.catch(() => this.#open.delete(type)); // the next reading of the routes may fare better
    return opened;
  }

  async #openKind(type: Speech['type']): Promise<BackendKind> {
    const kind = await KINDS[type](this.#parts);
    this.#targets.add(kind);
    return kind;
  }
}
