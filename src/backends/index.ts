import type { Limits } from '../core/limits.ts';
import type { Route } from '../core/route.ts';
import type { BackendHealth } from '../wire/calls.ts';
import type { Speech } from '../wire/codec.ts';
import type { AroundFunction } from '../wire/functions.ts';
import type { FindHandlers } from './handlers/index.ts';
import { openHttp } from './http/backend.ts';
import { Transports, type TransportsOptions } from './http/transports.ts';
import type { Commander } from '../core/commander.ts';
import type { CommandSource, StreamLink } from '../wire/streams.ts';
import type { StreamTarget } from '../wire/stream-targets.ts';

/** What every kind of backend is made of. */
export type BackendParts = TransportsOptions & {
  /** This process among all that read one stream of commands. */
  readonly consumer: string;
  /** What speaks with brokers; loaded when it is asked for. */
  readonly streams: {
    readonly link: (target: StreamTarget) => Promise<StreamLink>;
    readonly commands: (target: StreamTarget, consumer: string) => Promise<CommandSource>;
  };
  /** Finds code in this process; absent: there is no room for any. */
  readonly handlersAt?: FindHandlers;
  /** The variables of this process, for programs that it starts. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly aroundFunction?: AroundFunction | undefined;
};

/** The same with what all kinds share: the sockets to an origin. */
export type SharedParts = BackendParts & { readonly transports: Transports };

/** Who answers the events of a route, and takes the messages of its connections. */
export type Served = Pick<Route, 'backend' | 'intake' | 'companion'>;

/** What a route says of its backend. */
export type Spoken<Type extends Speech['type'] = Speech['type']> = {
  /** Null: the route names none, or none of HTTP. */
  readonly url: URL | null;
  readonly speech: Extract<Speech, { readonly type: Type }>;
  readonly limits: Limits;
};

/** One kind of backend, opened when the first route needs it; what it holds is shared by all its routes. */
export type BackendKind<Type extends Speech['type'] = Speech['type']> = {
  serve(spoken: Spoken<Type>): Served | Promise<Served>;
  /** What is called, without secrets. */
  readonly targets: readonly string[];
  /** Where it keeps a connection: why it has none now, or null. */
  readonly problem?: string | null;
  /** Where commands come in through it: from now on they are carried out; called once. */
  obey?(commander: Commander): void;
  /** No command is taken any more; those that were taken are carried out. */
  disobey?(): Promise<void>;
  /** Code that runs here on behalf of users is read again; a kind without such code lacks this. */
  reload?(): void;
  close(): Promise<void>;
};

/** By the way that a dialect speaks: one line each. What a kind needs beyond this is loaded by `open`, so that no start pays for what it does not use. */
const KINDS: { readonly [Type in Speech['type']]: (parts: SharedParts) => BackendKind<Type> | Promise<BackendKind<Type>> } = {
  http: openHttp,
  handlers: async (parts) => (await import('./handlers/index.ts')).openHandlers(parts),
  entries: async (parts) => (await import('./streams/index.ts')).openStreams(parts),
  functions: async ({ transports, ...parts }) =>
    (await import('./functions/index.ts')).openFunctions({ ...parts, transportTo: (origin) => transports.to(origin) }),
};

/** All backends of a process. */
export class Backends {
  readonly #parts: SharedParts;
  readonly #open = new Map<string, Promise<BackendKind>>();
  readonly #targets = new Set<BackendKind>();
  #commander: Commander | null = null;

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

  /** Why one of them cannot be reached now, as far as that is known without asking; else null. */
  get problem(): string | null {
    for (const { problem } of this.#targets) if (typeof problem === 'string') return problem;
    return null;
  }

  /** From now on commands that come in through backends are carried out, also through those that are opened later. */
  obey(commander: Commander): void {
    this.#commander = commander;
    for (const kind of this.#targets) kind.obey?.(commander);
  }

  async disobey(): Promise<void> {
    this.#commander = null;
    await Promise.all([...this.#targets].map(async (kind) => kind.disobey?.()));
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
    if (this.#commander !== null) kind.obey?.(this.#commander);
    return kind;
  }
}
