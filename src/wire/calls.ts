import type { PartyHeaders } from './party-headers.ts';
import type { Limits } from '../core/limits.ts';
import type { Receiver } from '../core/ports.ts';

/** What a call tells of: what fails for one kind may go well for another. */
export type CallKind = 'open' | 'message' | 'close';

/** What is the same for all calls of one kind on one route; built once, shared by every call. */
export type CallProfile = {
  readonly kind: CallKind;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** May the same call be sent twice without harm? Then it may be pipelined and retried. */
  readonly isIdempotent: boolean;
  /** For the whole exchange, from the moment it is handed to the backend's sockets to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  /** False: the answer's body is read and thrown away. */
  readonly wantsBody: boolean;
};

/** One HTTP-shaped call to a backend. */
export type BackendCall = {
  readonly profile: CallProfile;
  /** Path and query on the backend's origin. */
  readonly path: string;
  /** Name, value, name, value … */
  readonly headers: string[];
  /** Those that go with them in each call for the same party. */
  readonly partyHeaders?: PartyHeaders;
  readonly body: Buffer | string | null;
};

/** Of this name, in lower case. */
export function headerOf({ headers, partyHeaders }: Pick<BackendCall, 'headers' | 'partyHeaders'>, name: string): string | undefined {
  for (let index = 0; index < headers.length; index += 2) if (headers[index] === name) return headers[index + 1];
  return partyHeaders && headerOf({ headers: [...partyHeaders.list] }, name);
}

/** All headers of a call: name, value, name, value … */
export function allHeadersOf({ headers, partyHeaders }: Pick<BackendCall, 'headers' | 'partyHeaders'>): readonly string[] {
  return partyHeaders === undefined ? headers : [...partyHeaders.list, ...headers];
}

/** Signs what is sent to a backend. */
export interface Signer {
  /** The call's headers with those of its signature. To be asked in the moment in which the call is sent: it has a time in it. */
  headersOf(call: Pick<BackendCall, 'headers' | 'body'>): string[];
}

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

export type BackendAnswer = {
  readonly type: 'answer';
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** Empty where the profile does not want it. */
  readonly body: Buffer;
};

export type FailureReason = 'timeout' | 'unreachable' | 'reset' | 'too-long' | 'stopped';

export type BackendFailure = {
  readonly type: 'failure';
  readonly reason: FailureReason;
  /** False only where it is certain that no byte of the call reached the backend. */
  readonly wasSent: boolean;
  readonly detail: string;
};

export type BackendResult = BackendAnswer | BackendFailure;

/** The value of `Retry-After` in ms (RFC 9110 §10.2.3: seconds or a date), or null where there is none. `now`: epoch ms. */
export function retryAfterMs(result: BackendResult, now: number): number | null {
  if (result.type !== 'answer') return null;
  const value = result.headers['retry-after'];
  if (typeof value !== 'string') return null;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  if (!HTTP_DATE.test(value)) return null; // `Date.parse` would make a year of a fraction, and a date long past of a negative number
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/** The three forms of a date of RFC 9110 §5.6.7, as far as they begin and end alike. */
const HTTP_DATE = /^[A-Z][a-z]{2,8},? [\w :-]{10,30}$/;

/** Carries calls to one backend over HTTP. Bounded, fair, and never throwing: whatever happens is a result. */
export interface Transport {
  /** `waitUntil`: the time, of `Clock.now`, until which it is worth holding the call back while the backend is known to be down. */
  call(call: BackendCall, receiver: Receiver<BackendResult>, waitUntil: number): void;
  /** Ends idle sockets at once and running calls with `stopped`. Idempotent. */
  close(): Promise<void>;
}

/** How a backend looks to this process, for one kind of call. */
export type BackendHealth = {
  /** What it is called, without secrets. */
  readonly backend: string;
  readonly event: CallKind;
  readonly state: 'up' | 'returning' | 'down';
  /** Calls held back until it is up. */
  readonly waiting: number;
};

/** A backend's answer may be this much larger than a message: headers of its JSON form (docs/contract.md#the-whole-answer). */
const ANSWER_ALLOWANCE_BYTES = 65_536;

export function maxAnswerBytes(limits: Limits): number {
  return limits.maxMessageBytes + ANSWER_ALLOWANCE_BYTES;
}

/** How a `close` is told, in every dialect: what is told twice has one event id, and what is answered beside the status counts for nothing. */
export function closeProfile(limits: Limits): CallProfile {
  return {
    kind: 'close',
    method: 'DELETE',
    isIdempotent: true,
    timeoutMs: limits.backendTimeoutMs,
    maxAnswerBytes: maxAnswerBytes(limits),
    wantsBody: false,
  };
}
