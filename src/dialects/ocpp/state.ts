import type { OwnCloseCode } from '../../core/close-codes.ts';
import type { Counter } from '../../core/observer.ts';
import type { RpcError } from '../../core/rpc.ts';
import type { RpcOutcome } from '../../core/commands.ts';
import type { ClientFrame } from './frames.ts';
import { EMPTY_QUEUE, headOf, itemsOf, lengthOf, type Queue } from './queue.ts';
import type { OcppVersion } from './versions.ts';

/** What bounds a conversation; the same for all of one version on one route. */
export type Rules = {
  readonly version: OcppVersion;
  readonly callTimeoutMs: number;
  /** Calls of the backend that may wait for their turn. */
  readonly queuedCalls: number;
  readonly queuedBytes: number;
  /** What was read and is not being delivered yet; beyond it the socket is read no further. */
  readonly heldMessages: number;
  readonly heldBytes: number;
  /** How long answers and SENDs are offered to the backend. */
  readonly retryForMs: number;
  readonly maxMessageBytes: number;
};

/** A CALL of the client. */
export type ServedCall = {
  readonly id: string;
  readonly action: string;
  readonly payloadJson: string;
  readonly seq: number;
  readonly bytes: number;
  readonly expiresAt: number;
  /** It got its error already, but the backend still works on it: the next one waits for that (G2). */
  readonly isAnswered: boolean;
};

/** A CALL of the backend, to the client. */
export type Ask = {
  /** Unique within the conversation: message ids may come again. */
  readonly serial: number;
  readonly id: string;
  readonly action: string;
  readonly frame: string;
  readonly bytes: number;
  /** `answer`: it travels up as an event. `outcome`: somebody waits, until `waitUntil`. `nothing`: nobody waits any more. */
  readonly wants: 'answer' | 'outcome' | 'nothing';
  readonly waitUntil: number;
  /** Counted from when it was sent; Infinity before. */
  readonly expiresAt: number;
};

/** What travels up and gets no answer. */
export type Delivery = {
  readonly type: 'result' | 'error' | 'resulterror' | 'send';
  readonly id: string;
  readonly action: string;
  readonly bodyJson: string;
  readonly seq: number;
  readonly bytes: number;
  readonly giveUpAt: number;
};

/** Deliveries in order, one at a time (G2). */
export type Lane = {
  readonly current: Delivery | null;
  readonly waiting: Queue<Delivery>;
  readonly attempts: number;
  /** When the current one is offered again; null while it is on its way. */
  readonly retryAt: number | null;
};

/** Answers never wait behind calls, nor behind SENDs: hence their own lane. */
export type LaneName = 'answers' | 'sends';

export type State = {
  readonly phase: 'opening' | 'open' | 'ended';
  readonly isPaused: boolean;
  /** The backend took nothing for so long that the connection was closed with 1011: nothing more is delivered. */
  readonly isAbandoned: boolean;
  readonly serving: ServedCall | null;
  readonly waiting: Queue<ServedCall>;
  readonly asked: Ask | null;
  readonly asking: Queue<Ask>;
  readonly answers: Lane;
  readonly sends: Lane;
  /** The last results we sent, in 2.1: their client may still reject them. */
  readonly results: readonly { readonly id: string; readonly action: string }[];
};

export type Input =
  | { readonly type: 'opened'; readonly now: number }
  | { readonly type: 'frame'; readonly frame: ClientFrame; readonly seq: number; readonly bytes: number; readonly now: number }
  /** The backend answered the CALL that is being served. */
  | { readonly type: 'served'; readonly answer: CallAnswer; readonly now: number }
  | { readonly type: 'ask'; readonly ask: Ask; readonly now: number }
  /** The frame of an ask was not taken by the socket. */
  | { readonly type: 'unsent'; readonly serial: number; readonly now: number }
  | { readonly type: 'delivered'; readonly lane: LaneName; readonly now: number }
  | { readonly type: 'undelivered'; readonly lane: LaneName; readonly retryAfterMs: number; readonly now: number }
  /** Time has come to `nextDeadline`. */
  | { readonly type: 'time'; readonly now: number }
  | { readonly type: 'ended'; readonly now: number };

export type CallAnswer = { readonly type: 'result'; readonly payloadJson: string } | { readonly type: 'error'; readonly error: RpcError };

export type Effect =
  /** A frame that somebody counts on. */
  | { readonly type: 'reply'; readonly frame: string }
  /** A frame that may be refused; then `unsent` follows. */
  | { readonly type: 'push'; readonly ask: Ask }
  | { readonly type: 'serve'; readonly call: ServedCall }
  | { readonly type: 'deliver'; readonly lane: LaneName; readonly delivery: Delivery }
  | { readonly type: 'outcome'; readonly serial: number; readonly outcome: RpcOutcome }
  | { readonly type: 'count'; readonly counter: Counter }
  | { readonly type: 'lost'; readonly messages: number }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'close'; readonly code: OwnCloseCode; readonly reason: string };

const EMPTY_LANE: Lane = { current: null, waiting: EMPTY_QUEUE, attempts: 0, retryAt: null };

export const INITIAL_STATE: State = {
  phase: 'opening',
  isPaused: false,
  isAbandoned: false,
  serving: null,
  waiting: EMPTY_QUEUE,
  asked: null,
  asking: EMPTY_QUEUE,
  answers: EMPTY_LANE,
  sends: EMPTY_LANE,
  results: [],
};

export function emptyLane(): Lane {
  return EMPTY_LANE;
}

/** Is everything that was read delivered, answered or given up? */
export function isIdle({ serving, answers, sends }: State): boolean {
  return serving === null && answers.current === null && sends.current === null; // nothing waits where nothing runs
}

/** Messages read, and neither delivered, answered nor given up. */
export function undelivered({ serving, waiting, answers, sends }: State): number {
  return (serving === null ? 0 : 1) + lengthOf(waiting) + inLane(answers) + inLane(sends);
}

function inLane({ current, waiting }: Lane): number {
  return (current === null ? 0 : 1) + lengthOf(waiting);
}

/** When the machine wants its next `time`; Infinity: not before something else happens. */
export function nextDeadline(state: State): number {
  const { serving, waiting, asked, asking, answers, sends } = state;
  let next = Math.min(answers.retryAt ?? Infinity, sends.retryAt ?? Infinity);
  if (serving !== null && !serving.isAnswered) next = Math.min(next, serving.expiresAt);
  else next = Math.min(next, headOf(waiting)?.expiresAt ?? Infinity); // in the order of their time
  if (asked !== null) next = Math.min(next, asked.expiresAt, asked.wants === 'outcome' ? asked.waitUntil : Infinity);
  if (lengthOf(asking) > 0) for (const ask of itemsOf(asking)) if (ask.wants === 'outcome') next = Math.min(next, ask.waitUntil);
  return next;
}

/** One step in the making: the state to be, and what is to be done about it. Nobody sees it but the machine. */
export type Work = {
  readonly rules: Rules;
  readonly now: number;
  readonly next: { -readonly [Field in keyof State]: State[Field] };
  readonly effects: Effect[];
};

/** Who has left gets no reply. */
export function reply({ next, effects }: Work, frame: string): void {
  if (next.phase !== 'ended') effects.push({ type: 'reply', frame });
}

export function count({ effects }: Work, counter: Counter): void {
  effects.push({ type: 'count', counter });
}
