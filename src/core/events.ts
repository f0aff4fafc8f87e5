import type { OwnCloseCode } from './close-codes.ts';
import type { Party } from './party.ts';

/** What a frame carries, whichever way it goes. */
export type Message = {
  readonly data: Buffer;
  readonly isBinary: boolean;
  /** Only a message for many sockets has it: the bytes on the wire, which the first socket makes for all. */
  readonly shared?: { wire: Buffer | null };
};

/** Tags to set; an empty value deletes. */
export type TagChanges = readonly (readonly [key: string, value: string])[];

/** What the upgrade request said. It lives as long as the `open` call, not as long as the connection. */
export type OpenRequest = {
  readonly path: string;
  readonly query: Readonly<Record<string, string | string[]>>;
  /** Parameters of the route's path pattern, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  /** All of them, as they came; names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly subprotocols: readonly string[];
  readonly remoteAddress: string;
  readonly authorization: string | null;
  readonly traceparent: string | null;
  /** What came with it (W3C Trace Context §3.3). */
  readonly tracestate?: string | null;
  /** The headers named by FORWARD_HEADERS: name, value, name, value … */
  readonly forwarded: readonly string[];
  /** All headers as they were spelt: name, value, name, value … Dialects that tell the backend everything read them. */
  readonly rawHeaders: readonly string[];
  /** Did it come over TLS, to us or to a trusted proxy? */
  readonly isEncrypted: boolean;
  /** What every event is to tell as `data` until the verdict says otherwise; null: nothing. */
  readonly data: string | null;
  /** The id that the client chose, on routes where clients do (docs/routes.md#client-chosen-ids); else null. */
  readonly clientId: string | null;
  /** Chosen by the route; null: the backend may choose. */
  readonly subprotocol: string | null;
  /** Tags that the route gives, before the backend's own. */
  readonly tags: TagChanges;
};

export type OpenEvent = { readonly type: 'open'; readonly party: Party; readonly request: OpenRequest };

export type MessageEvent = {
  readonly type: 'message';
  readonly party: Party;
  /** 1 for the connection's first message; `open` is 0. */
  readonly seq: number;
  readonly data: Buffer;
  readonly isBinary: boolean;
};

/** Who ended a connection. `network`: it broke without a close frame. */
export type Closer = 'client' | 'backend' | 'gateway' | 'network';

export type CloseEvent = {
  readonly type: 'close';
  readonly party: Party;
  /** Null for an orphan: nobody knows how many messages there were. */
  readonly seq: number | null;
  readonly code: number;
  readonly reason: string;
  /** The process that held the connection died; another tells of its end. */
  readonly isOrphan: boolean;
  /** Absent: the gateway, by dying or by never letting the client in. */
  readonly by?: Closer;
};

/** The backend's answer to `open`. */
export type OpenVerdict =
  | {
      readonly type: 'accepted';
      readonly tags: ReadonlyMap<string, string> | null;
      readonly data: string | null;
      readonly subprotocol: string | null;
      readonly message: Message | null;
      readonly headers: readonly (readonly [string, string])[];
      /** Epoch ms at which the connection is closed with 4401; absent: never. */
      readonly expiresAt?: number;
    }
  | Refusal;

/** Why a client is not let in: an HTTP status, and a JSON body's code and message. */
export type Refusal = {
  readonly type: 'refused';
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs?: number;
  /** Upgrade all the same, then close with this code: for protocols that want it so. */
  readonly closeCode?: OwnCloseCode;
  /** More headers of the answer. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** The answer's body, in place of code and message. */
  readonly body?: { readonly contentType: string; readonly data: string | Buffer };
  /** The backend believes that it let the client in, or may: it gets a `close` event. */
  readonly wasAccepted?: true;
  /** The reason that this event tells; else the message. */
  readonly endReason?: string;
  /** What went wrong with the backend, one of few words for metrics, and in its own words for the log. */
  readonly failure?: { readonly reason: string; readonly because: string };
};

/** The backend's answer to `message`. */
export type MessageVerdict =
  | {
      readonly type: 'delivered';
      readonly reply: Message | null;
      /** What the backend said against it although it took it, or null: `status 404` for example. */
      readonly complaint: string | null;
      readonly tags?: TagChanges | null;
    }
  | {
      readonly type: 'retry';
      readonly afterMs: number | null;
      readonly because: string;
      /** When its time is over, the client gets this and goes on, as its protocol has an answer for it; absent: it is closed with 1011. */
      readonly lastWord?: Message;
    }
  /** It could not take this one, and never will: its sender is told by 1011, and what is behind it is not delivered. */
  | { readonly type: 'failed'; readonly because: string };

/** The backend's answer to `close`. */
export type CloseVerdict =
  | { readonly type: 'delivered' }
  | { readonly type: 'retry'; readonly afterMs: number | null; readonly because: string };

export const DELIVERED: MessageVerdict = { type: 'delivered', reply: null, complaint: null };
export const CLOSE_DELIVERED: CloseVerdict = { type: 'delivered' };
