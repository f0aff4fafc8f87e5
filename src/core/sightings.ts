import type { EndedBy } from './observer.ts';

/** Of whom a sighting tells. `trace` is W3C Trace Context §3.2: what the backend got as `traceparent`. Long texts are cut. */
type Of = { readonly at: number; readonly id: string; readonly route: string; readonly path: string; readonly trace: string };

/** What a frame carried; `payload` only where the operator wants it shown. */
type Frame = { readonly bytes: number; readonly isBinary: boolean; readonly payload: string | null };

/**
 * What an observer saw of one event or command, for people to look at. Plain data: sightings cross processes. `at` is epoch
 * ms, `ms` how long the backend took.
 */
export type Sighting =
  | (Of & { readonly type: 'opened'; readonly tags: Readonly<Record<string, string>>; readonly ms: number })
  /** There never was a connection, so there is no id. */
  | {
      readonly type: 'refused';
      readonly at: number;
      readonly route: string;
      readonly path: string;
      readonly code: number;
      readonly reason: string;
      readonly because: string | null;
      readonly ms: number;
    }
  | (Of & Frame & { readonly type: 'received'; readonly seq: number })
  | (Of &
      Frame & {
        readonly type: 'answered';
        readonly seq: number;
        /** `complained`: the backend took it and said something against it. `retry`: it will be asked again. */
        readonly verdict: 'delivered' | 'complained' | 'retry';
        readonly because: string | null;
        readonly ms: number;
      })
  | (Of & Frame & { readonly type: 'pushed' })
  | (Of & { readonly type: 'push-refused'; readonly because: string })
  | (Of & End & { readonly type: 'closed' })
  /** The backend acknowledged the `close` event, or is to be asked again. */
  | (Of & { readonly type: 'close-answered'; readonly verdict: 'delivered' | 'retry'; readonly because: string | null; readonly ms: number });

/** How a connection ended. `openMs` and `by` are not known of one whose process died. */
export type End = {
  readonly code: number;
  readonly reason: string;
  readonly by: EndedBy | 'crash';
  readonly openMs: number | null;
  /** Messages of its client. */
  readonly messages: number | null;
};

/** Whose sightings are wanted; everything that is not null or empty must match. */
export type SightingFilter = {
  readonly id: string | null;
  readonly route: string | null;
  readonly tags: readonly (readonly [key: string, value: string])[];
};

/** What people who watch ask of every process. Each answer is bounded, whatever is asked. */
export type Question =
  /** From now on, for as long as it is asked again: what happened since it was asked last, and, where wanted, figures. */
  | { readonly type: 'watch'; readonly watch: string; readonly filter: SightingFilter; readonly wantsFigures: boolean }
  /** The last ends that match, newest first. */
  | { readonly type: 'ends'; readonly filter: SightingFilter; readonly code: number | null; readonly limit: number }
  /** The last calls to backends that failed or were complained about, newest first. */
  | { readonly type: 'failures'; readonly limit: number };

/** One process as it is now. Counters count since its start, `backendMs` since it was first watched: in how many calls the backend took up to so long (`core/spans`). */
export type Figures = {
  readonly worker: number;
  readonly connections: number;
  readonly closesPending: number;
  readonly isDraining: boolean;
  readonly messagesReceived: number;
  readonly pushesSent: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly backendMs: readonly number[];
  /** The 99th percentile and the longest delay of the event loop since the last look. */
  readonly loopDelayMs: number;
  readonly longestLoopDelayMs: number;
  readonly memoryBytes: number;
  readonly uptimeSeconds: number;
};

/** One process's answer. */
export type Seen = {
  readonly sightings: readonly Sighting[];
  /** Matching ones that were left out, as there were more than anybody reads. */
  readonly missed: number;
  readonly figures: Figures | null;
  /** Why it does not take part, or null. */
  readonly problem: string | null;
};
