import type { Limits } from '../core/limits.ts';
import type { Observer } from '../core/observer.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Route } from '../core/route.ts';
import type { Timings } from '../core/timings.ts';
import type { BackendHealth } from '../wire/calls.ts';
import type { Speech } from '../wire/codec.ts';
import type { Tracing } from '../wire/tracing.ts';
import { openHttp } from './http/backend.ts';
import { Transports } from './http/transports.ts';

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
  /** The variables of this process, for programs that it starts. */
  readonly environment: Readonly<Record<string, string | undefined>>;
};

/** The same with what all kinds share: the sockets to an origin. */
export type SharedParts = BackendParts & { readonly transports: Transports };

/** Who answers the events of a route, and takes the messages of its connections. */
export type Served = Pick<Route, 'backend' | 'intake'>;

/** What a route says of its backend. */
export type Spoken<Type extends Speech['type'] = Speech['type']> = {
  /** Null: the route names none. */
  readonly url: URL | null;
  readonly speech: Extract<Speech, { readonly type: Type }>;
  readonly limits: Limits;
};

/** One kind of backend, opened when the first route needs it; what it holds is shared by all its routes. */
export type BackendKind<Type extends Speech['type'] = Speech['type']> = {
  serve(spoken: Spoken<Type>): Served | Promise<Served>;
  /** What is called, without secrets. */
  readonly targets: readonly string[];
  /** Code that runs here on behalf of users is read again; a kind without such code lacks this. */
  reload?(): void;
  close(): Promise<void>;
};

/** By the way that a dialect speaks: one line each. What a kind needs beyond this is loaded by `open`, so that no start pays for what it does not use. */
const KINDS: { readonly [Type in Speech['type']]: (parts: SharedParts) => BackendKind<Type> | Promise<BackendKind<Type>> } = {
  http: openHttp,
  functions: async ({ transports, ...parts }) =>
    (await import('./functions/index.ts')).openFunctions({ ...parts, transportTo: (origin) => transports.to(origin) }),
};

/** All backends of a process. */
export class Backends {
  readonly #parts: SharedParts;
  readonly #open = new Map<string, Promise<BackendKind>>();
  readonly #targets = new Set<BackendKind>();

  constructor(parts: BackendParts) {
    this.#parts = { ...parts, transports: new Transports(parts) };
  }

  async serve(spoken: Spoken): Promise<Served> {
    const kind = await this.#kind(spoken.speech.type);
    return kind.serve(spoken);
  }

  get targets(): readonly string[] {
    return [...this.#targets].flatMap(({ targets }) => targets);
  }

  /** How backends look that are called over HTTP, by whatever kind. */
  get health(): readonly BackendHealth[] {
    return this.#parts.transports.health;
  }

  /** What is called from now on runs users' code as it lies there now. */
  reload(): void {
    for (const kind of this.#targets) kind.reload?.();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(async (kind) => (await kind).close()));
    await this.#parts.transports.close();
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
    const kind = (await KINDS[type](this.#parts)) as BackendKind; // `serve` gives it only what speaks its way
    this.#targets.add(kind);
    return kind;
  }
}
