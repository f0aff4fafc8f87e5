import type { Client, Handlers, SendOptions, Sent, Tags } from '../backends/handlers/handlers.ts';

/** Makes handlers that know their gateway, to reach other clients. Called once for each gateway, before it listens. */
export type HandlersFactory<Data = unknown> = (gateway: Gateway) => Handlers<Data>;

/**
 * Which clients: all of them, those with these ids, or those that have every one of these tags. An empty one selects nobody, so that a
 * mistake never reaches everybody.
 */
export type Selector = { readonly all: true } | { readonly id: string | readonly string[] } | Readonly<Record<string, string>>;

/** What became of a message to a selection. `unreachable` names nodes that did not answer in time: what happened there is not known. */
export type SelectionSent = {
  readonly matched: number;
  readonly sent: number;
  readonly failed: number;
  readonly unreachable: readonly string[];
};

export type CloseAllOptions = {
  /** Default: 1000, `Closed by server`. */
  readonly code?: number;
  readonly reason?: string;
  /** Sent first. */
  readonly message?: string | Uint8Array;
};

/** Limits that may be set at any time: they hold for connections from then on whose route has none of its own. An invalid value: RangeError. */
export type GatewayLimits = {
  /** MAX_MESSAGE_BYTES. */
  maxMessageBytes: number;
  /** WS_TIMEOUT: ms without any frame before a client is pinged; 0 turns it off. */
  idleTimeoutMs: number;
};

/** What observers of each event get: the arguments of the callback of that name; `open` for clients that were let in only. */
export type Observers = {
  readonly open: (client: Client, request: Parameters<Handlers['onOpen'] & object>[1]) => void;
  readonly message: (client: Client, data: string | Buffer, isText: boolean) => void;
  readonly close: (client: Client, code: number, reason: string) => void;
};

export type SimulateOptions = {
  /** The path that the clients ask for. Default: `/`. */
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly tags?: Tags;
};

/** Clients without sockets. */
export type Simulation = {
  /** How many were let in and are still there, how many were refused. */
  readonly open: number;
  readonly refused: number;
  /** Frames that were sent to them, all together. */
  readonly received: number;
  /** Each of them sends this message. */
  say(data: string | Uint8Array): void;
  /** All of them leave with 1000. Resolves when they have. */
  leave(): Promise<void>;
};

/** A gateway in this process. */
export interface Gateway {
  /** NODE_NAME, or a random one. */
  readonly node: string;
  /** Rejects when a port is in use. */
  listen(): Promise<{ readonly publicUrl: string; readonly controlUrl: string }>;
  /** Leaves as the program does on SIGTERM: goodbyes, what was read is delivered, every `onClose` has been called. Twice is once. */
  close(): Promise<void>;
  /** A client of this process. */
  client(id: string): Client | undefined;
  /**
   * Calls `task` with every open client of this process, and says how many there were. Between two calls the event loop gets its turn when
   * 5 ms are over. A task that throws ends it and rejects.
   */
  each(task: (client: Client) => void, options?: { readonly except?: Client | string }): Promise<number>;
  /** How many clients there are, in the whole cluster where there is one. Without a selector: everybody. */
  count(selector?: Selector): Promise<number>;
  /** Sends one message to a selection, in the whole cluster; the frame is encoded once. */
  send(
    selector: Selector,
    data: string | Uint8Array,
    options?: SendOptions & { readonly except?: Client | string },
  ): Promise<SelectionSent>;
  /** Sets tags of a selection, in the whole cluster; an empty value deletes. Says how many were changed. Over the limits of all of them: RangeError. */
  setTags(selector: Selector, changes: Tags): Promise<number>;
  /** Closes a selection, in the whole cluster. Says how many. */
  closeAll(selector: Selector, options?: CloseAllOptions): Promise<number>;
  /** Sends one message to one client, wherever in the cluster it is. With an `idempotencyKey` that this client had within five minutes nothing is sent again. */
  push(id: string, data: string | Uint8Array, options?: SendOptions & { readonly idempotencyKey?: string }): Promise<Sent | 'unavailable'>;
  readonly limits: GatewayLimits;
  /** Returns what ends it. An observer never delays or changes anything; one that throws is logged. */
  on<Event extends keyof Observers>(event: Event, observer: Observers[Event]): () => void;
  /** Lets in so many clients that have no socket, for load tests: everything but the network is as with others. */
  simulate(count: number, options?: SimulateOptions): Promise<Simulation>;
}

/** One route, as in a routes file (docs/routes.md#a-route). */
export type GatewayRoute = {
  /** `/chat/:room`, `/*`: static parts before parameters before a wildcard, whatever the order of the routes. */
  readonly path: string;
  /** Handlers in this process, what makes them, or the URL of an HTTP backend. */
  readonly backend: Handlers | HandlersFactory | string;
  /** Tags of every client; `:name` takes a path parameter. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Accepted ones, in the order of preference. Without: `onOpen` decides. */
  readonly subprotocols?: readonly string[];
  readonly origins?: readonly string[];
  readonly maxMessageBytes?: number;
  readonly idleTimeoutMs?: number;
  readonly messagesPerSecond?: number;
  readonly openTimeoutMs?: number;
  readonly backendTimeoutMs?: number;
  readonly dialect?: string;
  /** Every other property of a route. */
  readonly [property: string]: unknown;
};

/** Takes log lines: facts, then a short constant message. A `pino` logger is one. */
export type GatewayLogger = {
  readonly [Level in 'error' | 'warn' | 'info' | 'debug']: (facts: object, message: string) => void;
};

export type GatewayOptions = {
  readonly routes: readonly GatewayRoute[];
  /** Any of docs/configuration.md by its own name, but for those that are the program's. Neither the environment nor `.env` is read. */
  readonly options?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Default: JSON lines on standard output, from LOG_LEVEL on. */
  readonly logger?: GatewayLogger;
};

/** A module of EXTENSIONS: `start` and `stop` are its exports, or properties of its default export. */
export type Extension = {
  /** In every worker, after it listens. What it throws ends the program with 78. */
  start(gateway: Gateway): unknown;
  /** First of all when the gateway leaves, in reverse order; all have 5 s. */
  stop?(): unknown;
};
