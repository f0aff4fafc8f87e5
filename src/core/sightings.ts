import type { Closer } from './events.ts';

/** Whom a sighting tells of. `trace` is what the backend got as `traceparent` (W3C Trace Context §3.2). Long paths are cut. */
type Of = { readonly at: number; readonly id: string; readonly route: string; readonly path: string; readonly trace: string };

/** What a frame carried; `payload` only where the operator wants it shown. */
type Frame = { readonly bytes: number; readonly isBinary: boolean; readonly payload: string | null };

type Answer<Verdict extends string> = { readonly verdict: Verdict; readonly because: string | null; readonly ms: number };

/** How a connection ended. Of one whose process died (`crash`) only that is known. */
export type End = {
  readonly code: number;
  readonly reason: string;
  readonly by: Closer | 'crash';
  readonly openMs: number | null;
  /** Messages that its client sent. */
  readonly messages: number | null;
};

/**
 * What an observer saw, for people to look at. Plain data: sightings cross processes. `at` is epoch ms, `ms` is how long the
 * backend took.
 */
export type Sighting =
  | (Of & { readonly type: 'opened'; readonly tags: Readonly<Record<string, string>>; readonly ms: number })
  /** Without an id: there never was a connection. */
  | (Omit<Of, 'id' | 'trace'> & {
      readonly type: 'refused';
      readonly code: number;
      readonly reason: string;
      readonly because: string | null;
      readonly ms: number;
    })
  /** Only for who watches one connection. */
  | (Of & Frame & { readonly type: 'received'; readonly seq: number })
  /** `complained`: the backend took it and said something against it. `retry`: it will be asked again. */
  | (Of & Frame & Answer<'delivered' | 'complained' | 'retry' | 'failed'> & { readonly type: 'answered'; readonly seq: number })
  | (Of & Frame & { readonly type: 'pushed' })
  | (Of & { readonly type: 'push-refused'; readonly because: string })
  | (Of & End & { readonly type: 'closed' })
  /** The backend's verdict on the `close` event. */
  | (Of & Answer<'delivered' | 'retry'> & { readonly type: 'close-answered' });

/** Whose sightings are wanted: everything that is neither null nor empty must match. */
export type SightingFilter = {
  readonly id: string | null;
  readonly route: string | null;
  readonly tags: readonly (readonly [key: string, value: string])[];
};

/** What those who watch ask of every process. Whatever is asked, an answer is bounded. */
export type Question =
  /** What happened since this watch asked last. It begins with the first time, and ends when it is not asked for some seconds. */
  | { readonly type: 'watch'; readonly watch: string; readonly filter: SightingFilter; readonly wantsFigures: boolean }
  /** The last ends, newest first; null: of any id, with any code. */
  | { readonly type: 'ends'; readonly id: string | null; readonly code: number | null; readonly limit: number }
  /** The last refused clients and failed calls, newest first. */
  | { readonly type: 'failures'; readonly limit: number };

/** What a gateway knows of itself at once. */
export type Standing = { readonly connections: number; readonly closesPending: number; readonly isDraining: boolean };

/** One process as it is now. Counters count since its start. */
export type Figures = Standing & {
  readonly messagesReceived: number;
  readonly pushesSent: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Calls of messages by how long the backend took, since the process was first watched. */
  readonly spans: readonly number[];
  /** 99th percentile in the last second. */
  readonly loopDelayMs: number;
  readonly memoryBytes: number;
  readonly uptimeSeconds: number;
};

/** One process's answer. */
export type Seen = {
  readonly sightings: readonly Sighting[];
  /** Further ones that were left out, being more than anybody reads. */
  readonly missed: number;
  readonly figures: Figures | null;
  /** Why this process takes no part, or null. */
  readonly problem: string | null;
};

type Stands = {
  readonly connections: { readonly size: number };
  readonly closings: { readonly pending: number };
  readonly isDraining: boolean;
};

export function standingOf({ connections, closings, isDraining }: Stands): Standing {
  return { connections: connections.size, closesPending: closings.pending, isDraining };
}
