/** Tags of a client; an empty value deletes, an absent one changes nothing. */
export type Tags = Readonly<Record<string, string | undefined>>;

/**
 * What became of a frame. `sent`: handed to the socket of a live connection. `queued`: it goes out right after the upgrade,
 * in order. `slow`: the client has SEND_BUFFER_BYTES unsent; `too-long`: over MAX_MESSAGE_BYTES; `gone`: it has left or is
 * being closed. After these three nothing was sent.
 */
export type Sent = 'sent' | 'queued' | 'slow' | 'too-long' | 'gone';

export type SendOptions = {
  /** Default: text for a string, binary for bytes. */
  readonly binary?: boolean;
};

/** One client: the same object in every callback, from its upgrade request to its `onClose`. */
export interface Client<Data = unknown> {
  /** Unguessable, unless the client chose it, and never used again. */
  readonly id: string;
  /** Of the upgrade request, as the client spelt it; without its query. */
  readonly path: string;
  /** Parameters of the route's path (`:room`), decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | string[]>>;
  /** Behind proxies of TRUST_PROXY the one that they name. Empty for a client whose process died. */
  readonly remoteAddress: string;
  /** The subprotocol that was agreed on, or null. */
  readonly protocol: string | null;
  /** A copy: change them by `setTags`. */
  readonly tags: Readonly<Record<string, string>>;
  /** False until the upgrade is done, and from the moment that a close frame was sent or read, or the connection broke. */
  readonly isOpen: boolean;
  /** Yours: whatever you keep for this client. Of this process only, and gone with it. */
  data: Data | undefined;
  /** Bytes that were handed to the socket and are not taken by the operating system yet. */
  readonly pendingBytes: number;
  /**
   * Sends one message. Frames keep the order of the calls; before the upgrade they wait for it. The bytes are not copied:
   * they must stay as they are until they are sent. Bytes that are no UTF-8, said to be text: TypeError.
   */
  send(data: string | Uint8Array, options?: SendOptions): Sent;
  /**
   * Starts the closing handshake (by 1000, unless told otherwise). `onClose` follows. What the client sent before it saw the close frame is still
   * delivered. A code or reason that no close frame may carry (RFC 6455 §7.4, over 123 bytes): RangeError.
   */
  close(code?: number, reason?: string): void;
  /** An empty value deletes. Over the limits (64 tags, 128 bytes each): RangeError, and nothing is changed. */
  setTags(changes: Tags): void;
}

/** The upgrade request of a client that wants to be let in. */
export type Handshake = {
  /** The id that the client will have. */
  readonly id: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | string[]>>;
  /** All of them, names in lower case, as node:http gives them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Those that the client offers, in its order of preference. */
  readonly subprotocols: readonly string[];
  readonly remoteAddress: string;
};

/** What becomes of a client that wants to be let in. Anything that this type does not allow refuses it with 502. */
export type Admission = {
  /** The HTTP status of a refusal, 300 to 599. Without it the client is let in. */
  readonly refuse?: number | undefined;
  /** The body of the refusal, or the first frame after the upgrade. */
  readonly message?: string | Uint8Array | undefined;
  /** On the 101: `Set-Cookie` and `X-*`. On a refusal: any, but for those that belong to the connection. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  readonly tags?: Tags | undefined;
  /** One of those that the client offered. Where the route has `subprotocols`, it has chosen already. */
  readonly subprotocol?: string | undefined;
};

/** The user's system in this process. Each callback is called as a method of the object: `this` is kept. */
export type Handlers<Data = unknown> = {
  /**
   * Before the upgrade: may the client come in? Returning nothing lets it in. What it throws, or a rejection, is 502; after OPEN_TIMEOUT_MS it
   * is 504, and as it may have let the client in, one `onClose` follows.
   */
  onOpen?(client: Client<Data>, request: Handshake): Admission | void | Promise<Admission | void>;
  /**
   * One message, in the order sent: text as a string, else a Buffer. A promise is awaited before the next message of this
   * client. What it throws, a rejection, or BACKEND_TIMEOUT_MS without an end close this client with 1011; what waits behind is not delivered.
   */
  onMessage?(client: Client<Data>, data: string | Buffer, isText: boolean): unknown;
  /** The client's unsent bytes went from over half of SEND_BUFFER_BYTES to none: time to send more. Nothing waits for it. */
  onDrained?(client: Client<Data>): unknown;
  /** The gateway leaves: once, right before this client is told goodbye, as long as it can be written to. Nothing waits for it. */
  onShutdown?(client: Client<Data>): unknown;
  /**
   * Once, and last, whoever ended it: also when the upgrade failed that `onOpen` had agreed to. Never for a client that was refused. What it throws, a rejection, or
   * BACKEND_TIMEOUT_MS without an end make it be called again, later and later, for CLOSE_RETRY_FOR_MS.
   */
  onClose?(client: Client<Data>, code: number, reason: string): unknown;
};

/** The names of the callbacks. */
export const CALLBACKS = ['onOpen', 'onMessage', 'onDrained', 'onShutdown', 'onClose'] as const satisfies readonly (keyof Handlers)[];

/** What is wrong with something that was to be handlers, or null. */
export function handlersProblem(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return `handlers must be an object, ${value === null ? 'null' : typeof value} came`;
  const given = value as Readonly<Record<string, unknown>>;
  const wrong = CALLBACKS.find((name) => given[name] !== undefined && typeof given[name] !== 'function');
  if (wrong !== undefined) return `${wrong} must be a function, ${typeof given[wrong]} came`;
  for (const name of namesOf(value)) {
    const meant = CALLBACKS.find((callback) => callback !== name && callback.toLowerCase() === name.replaceAll('_', '').toLowerCase());
    if (meant !== undefined) return `${name} is no callback; did you mean ${meant}?`;
  }
  return CALLBACKS.some((name) => given[name] !== undefined) ? null : `handlers must have at least one of ${CALLBACKS.join(', ')}`;
}

/** Those of classes, too. */
function namesOf(value: object): string[] {
  const names: string[] = [];
  for (
    let level: object | null = value;
    level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object | null
  )
    names.push(...Object.getOwnPropertyNames(level));
  return names;
}
