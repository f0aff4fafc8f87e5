/**
 * A second reading of HTTP/1.1, without a line of the gateway's parser: what a server must make of bytes, by RFC 9112
 * (framing) and RFC 9110 (fields). Where the RFC leaves a choice, the answer is `free`.
 */
export type HttpReading =
  /** One whole request; `rest` is behind it. `unfit`: its bounds are clear, yet it must be refused (RFC 9110 §15.5). */
  | { readonly type: 'request'; readonly request: ReadRequest; readonly unfit: string | null; readonly rest: Buffer }
  /**
   * Where it ends cannot be told: refused, and the connection closed (RFC 9112 §9.6). What needs no body may have been
   * answered before the body came; then nothing may follow.
   */
  | { readonly type: 'broken'; readonly why: string; readonly mayBeAnswered?: boolean }
  /** Refused, accepted, or dropped: all is allowed. */
  | { readonly type: 'free'; readonly why: string }
  | { readonly type: 'incomplete'; readonly mayBeAnswered?: boolean };

export type ReadRequest = {
  readonly method: string;
  readonly target: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Buffer;
  /** May further requests follow on this connection? */
  readonly isLast: boolean;
};

/** RFC 9112 §5; whitespace before the colon must be refused (§5.1). */
export const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\r\n\0]*)$/;
/** RFC 9110 §5.5: what is no field value; it may be kept, but for CR, LF and NUL. */
export const CONTROL = /[^\t\x20-\x7e\x80-\xff]/;
export const FREE = { type: 'free' } as const;
