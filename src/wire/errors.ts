/** Every error that the control API or a refused upgrade can answer: HTTP status and what it means (docs/errors.md#errors). */
export const ERRORS = {
  BAD_REQUEST: { status: 400, meaning: 'the request cannot be understood; the message says what was wanted' },
  UNAUTHORIZED: { status: 401, meaning: 'a token is wanted (CONTROL_TOKEN; of a client: JWT_JWKS_URI) and no valid one came' },
  FORBIDDEN: {
    status: 403,
    meaning:
      'the address, Origin, Host, proxy, client certificate or scope of the token is not allowed, or the control API is not opened yet',
  },
  NOT_FOUND: { status: 404, meaning: 'no such connection (any more), or no such path; nothing was sent' },
  METHOD_NOT_ALLOWED: { status: 405, meaning: 'the path exists, not with this method; see Allow' },
  CONFLICT: {
    status: 409,
    meaning:
      'a call with this message id is in progress, or the protocol version of the client has no such frame; nothing was sent. Or a profile is being taken',
  },
  DUPLICATE_ID: { status: 409, meaning: 'an open connection has this client-chosen id' },
  REQUEST_TIMEOUT: { status: 408, meaning: 'the whole request did not come within HANDSHAKE_TIMEOUT_MS' },
  MESSAGE_TOO_LONG: { status: 413, meaning: 'the message is over MAX_MESSAGE_BYTES; nothing was sent' },
  URL_TOO_LONG: {
    status: 414,
    meaning: 'an id or another part of the path has more than 1,024 characters, or the whole URL over MAX_HEADER_BYTES',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    meaning: 'the body has a Content-Encoding; it must come as it is, see Accept-Encoding; nothing was sent',
  },
  EXPECTATION_FAILED: { status: 417, meaning: 'the request has an Expect other than 100-continue' },
  REFUSED: { status: 403, meaning: 'the backend refused this client with a 4xx that has no code of its own; the status is the backend’s' },
  UPGRADE_REQUIRED: { status: 426, meaning: 'this path speaks WebSocket only' },
  SLOW_CLIENT: {
    status: 429,
    meaning: 'the client reads too slowly or owes too many answers; nothing was sent, try again after Retry-After',
  },
  TOO_MANY_HANDSHAKES: {
    status: 429,
    meaning: 'this address asks for more than HANDSHAKES_PER_SECOND_PER_IP; try again after Retry-After',
  },
  TOO_MANY_CONNECTIONS: { status: 429, meaning: 'this address holds MAX_CONNECTIONS_PER_IP connections' },
  THROTTLED: { status: 429, meaning: 'the throttle of a route is exceeded (dialect aws); try again after Retry-After' },
  HEADERS_TOO_LONG: { status: 431, meaning: 'the request line and the headers have more than MAX_HEADER_BYTES' },
  CLIENT_GONE: { status: 499, meaning: 'the client left while it waited to be let in: nobody gets this answer, logs and metrics tell it' },
  INTERNAL_ERROR: { status: 500, meaning: 'a fault of the gateway; its log has the cause' },
  NOT_IMPLEMENTED: { status: 501, meaning: 'the request has a method or a Transfer-Encoding that is not known here' },
  BAD_GATEWAY: { status: 502, meaning: 'the backend could not be reached or gave no readable answer' },
  UNAVAILABLE: { status: 503, meaning: 'not now: full, draining, or another process cannot be asked; try again after Retry-After' },
  GATEWAY_TIMEOUT: { status: 504, meaning: 'the backend, or the process that owns the connection, did not answer in time' },
  HTTP_VERSION_NOT_SUPPORTED: { status: 505, meaning: 'HTTP/1.1 is spoken here' },
} as const;

export type ErrorCode = keyof typeof ERRORS;

export type ErrorDetails = { readonly cause?: unknown; readonly retryAfterMs?: number; readonly challenge?: string };

/** An error that is answered as it is: `{"code","message"}` with the code's status. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly retryAfterMs: number | null;
  /** `WWW-Authenticate` of its answer (RFC 9110 §11.6.1). */
  readonly challenge: string | null;

  constructor(code: ErrorCode, message: string, options: ErrorDetails = {}) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0; // it is answered, not traced: writing down the stack costs more than the rest of a refusal
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'GatewayError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.challenge = options.challenge ?? (code === 'UNAUTHORIZED' ? 'Bearer' : null);
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}
