/** Where commands for a connection are sent: `ws_uri` is `<WS_HOSTNAME>/<id>`, with the route's control path before the id (docs/contract.md#where-commands-go). */
export class WsUris {
  #prefix: string;
  readonly #isGiven: boolean;
  readonly #isSecure: boolean;
  readonly #path: string;

  /** `hostname`: WS_HOSTNAME, if it is set. `port`: of the control API; 0 until it is known. `path`: where it is mounted. */
  constructor(
    hostname: string | undefined,
    { port, isSecure, path = '' }: { readonly port: number; readonly isSecure: boolean; readonly path?: string },
  ) {
    this.#isGiven = hostname !== undefined;
    this.#isSecure = isSecure;
    this.#path = path;
    this.#prefix = hostname ?? this.#localhost(port);
  }

  /** The control API listens on this port, which the system may have chosen. */
  listensOn(port: number): void {
    if (!this.#isGiven) this.#prefix = this.#localhost(port);
  }

  readonly of = (id: string, controlPath = ''): string => `${this.#prefix}${controlPath}/${encodedId(id)}`;

  /** The same on a route with this control path; empty: without one. */
  readonly under =
    (controlPath: string) =>
    (id: string): string =>
      this.of(id, controlPath);

  /** Without a scheme HTTP is meant, as ever. */
  #localhost(port: number): string {
    return `${this.#isSecure ? 'https://' : ''}localhost:${port}${this.#path}`;
  }

  /** The path in WS_HOSTNAME, under which commands are served too; empty where there is none. */
  get path(): string {
    return withoutEndSlashes(readUri(this.#prefix)?.pathname ?? '');
  }
}

/** An id as a segment of a path, and in the header `WS-Connection`. Those that the gateway gives need no encoding. */
export function encodedId(id: string): string {
  return SAFE.test(id) ? id : encodeURIComponent(id);
}

const SAFE = /^[\w-]+$/;

/** A host, with a scheme, a port and a path if need be; null where it is not one. */
export function readUri(text: string): URL | null {
  return URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
}

/** In time that grows with the text, which a regular expression that seeks the end does not keep to. */
export function withoutEndSlashes(text: string): string {
  let end = text.length;
  while (text[end - 1] === '/') end -= 1;
  return text.slice(0, end);
}
