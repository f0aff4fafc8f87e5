import type { SpeechName } from './speech.ts';

/** What one run of the load generator does; a process gets exactly one, as its first argument. */
export type LoadOrder = {
  readonly workload: 'upstream' | 'round-trip' | 'downstream' | 'broadcast' | 'connect' | 'idle' | 'soak';
  /** Of `round-trip`: in which dialect. */
  readonly speech: SpeechName | null;
  /** The gateway's port is one of TLS. */
  readonly isEncrypted: boolean;
  readonly connections: number;
  /** The gateway calls no backend: what clients say comes back from itself. */
  readonly isInProcess: boolean;
  /** Messages or pushes whose arrival is still out, over all connections; one on each. */
  readonly inFlight: number;
  readonly sizeBytes: number;
  /** 0: closed loop, as fast as it goes. Else open loop: sent when due, and timed from then. */
  readonly ratePerSecond: number;
  /** For the last arrivals of a phase; what is not there then is lost. */
  readonly patienceMs: number;
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** How many broadcasts, or cycles of the soak. */
  readonly repetitions: number;
  /** How long the backend thinks before it answers a message or a close. */
  readonly backendDelayMs: number;
  /** Path and method of a push to all clients. */
  readonly broadcastRequest: string;
  /** Of `idle`: how many connections are open at each mark. */
  readonly steps: readonly number[];
  readonly settleMs: number;
  /** The Redis that messages arrive by; empty: they arrive at the backend. */
  readonly streamUrl: string;
};

/** To be spread into an order that says what it is about. */
export const PLAIN_ORDER: LoadOrder = {
  workload: 'upstream',
  speech: null,
  isEncrypted: false,
  connections: 1_000,
  isInProcess: false,
  inFlight: 1,
  sizeBytes: 128,
  ratePerSecond: 0,
  patienceMs: 10_000,
  warmUpMs: 0,
  durationMs: 0,
  repetitions: 0,
  backendDelayMs: 0,
  broadcastRequest: '',
  steps: [],
  settleMs: 0,
  streamUrl: '',
};

/** Between two marks: how many units of work were done, and how long they took. */
export type Phase = { readonly units: number; readonly seconds: number };

export type LoadReport = {
  /** By the name that its marks `<name>:begin` and `<name>:end` carry. */
  readonly phases: Readonly<Record<string, Phase>>;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Everything that was lost, repeated, out of order, damaged or refused. Empty: the run counts. */
  readonly problems: readonly string[];
  /** The gateway cannot do this; no fault. */
  readonly skipped: string | null;
};

export type FromLoad =
  | { readonly type: 'listening'; readonly backendPort: number }
  | { readonly type: 'mark'; readonly name: string }
  | { readonly type: 'report'; readonly report: LoadReport };

export type ToLoad = { readonly type: 'start'; readonly gatewayPort: number } | { readonly type: 'go' };
