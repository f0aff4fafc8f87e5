/** WebSocket close codes that this gateway sends or reports, and whether a client does well to come back. */
export const CLOSE_CODES = {
  NORMAL: { code: 1000, reconnect: false, when: 'the backend closed the connection' },
  GOING_AWAY: { code: 1001, reconnect: true, when: 'the gateway drains, or the client did not answer a ping' },
  PROTOCOL_ERROR: { code: 1002, reconnect: false, when: 'the client broke RFC 6455' },
  UNSUPPORTED_DATA: { code: 1003, reconnect: false, when: 'a binary message came on a route that takes none' },
  NO_STATUS: { code: 1005, reconnect: false, when: 'the close frame had no code; never sent' },
  ABNORMAL: { code: 1006, reconnect: true, when: 'the connection dropped without a close frame; never sent' },
  INVALID_PAYLOAD: { code: 1007, reconnect: false, when: 'a text message was not UTF-8' },
  POLICY_VIOLATION: { code: 1008, reconnect: false, when: 'a message came in more pieces than it may have bytes' },
  TOO_BIG: { code: 1009, reconnect: false, when: 'a message was over MAX_MESSAGE_BYTES' },
  INTERNAL_ERROR: { code: 1011, reconnect: true, when: 'a message could not be delivered within BACKEND_RETRY_FOR_MS' },
  TRY_AGAIN_LATER: { code: 1013, reconnect: true, when: 'the client read too slowly (SLOW_CLIENT_TIMEOUT_MS)' },
  TOKEN_EXPIRED: { code: 4401, reconnect: true, when: 'the token that the client came with has expired; with a new one it may come back' },
  DUPLICATE_ID: { code: 4409, reconnect: false, when: 'a newer connection took this client-chosen id' },
} as const;

type Rows = typeof CLOSE_CODES;

/** The codes by their names, for the code: one that the table lacks cannot be written down. */
export const CLOSE = Object.fromEntries(Object.entries(CLOSE_CODES).map(([name, { code }]) => [name, code])) as {
  readonly [Name in keyof Rows]: Rows[Name]['code'];
};

/** A code that the gateway itself ends a connection with, or reports where no close frame said one. */
export type OwnCloseCode = Rows[keyof Rows]['code'];

/** Codes that an endpoint may put into a close frame (RFC 6455 §7.4, and 1012 to 1014 of the IANA registry). */
export function isSendableCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return code === 1000 || code === 1001 || code === 1003 || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/** A control frame holds 125 bytes, two of which are the code (RFC 6455 §5.5). */
export const MAX_REASON_BYTES = 123;

const KNOWN: ReadonlySet<number> = new Set(Object.values(CLOSE_CODES).map(({ code }) => code));

/** For metrics: a code by itself where RFC 6455 or this gateway gives it a meaning, else its class (`3xxx`), as applications have thousands. */
export function closeCodeClass(code: number): string {
  return KNOWN.has(code) || (code >= 1000 && code < 1016) ? String(code) : `${Math.floor(code / 1000)}xxx`;
}
