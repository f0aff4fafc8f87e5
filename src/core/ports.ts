import type { Answers, Command, Outcome, Part, Query } from './commands.ts';
import type { CloseEvent, CloseVerdict, Message, MessageEvent, MessageVerdict, OpenEvent, OpenVerdict } from './events.ts';

/** One client's open WebSocket. Adapters report back by `Connection.receive`, `.alive` and `.ended`. */
export interface Socket {
  /**
   * Hands a frame to the socket, in call order. Never throws; on a socket that is going away it does nothing. `taken` is
   * called once the operating system has the frame, never from inside the call, and not where it never gets it.
   */
  send(message: Message, taken?: () => void): void;
  /** Starts the closing handshake (RFC 6455 §7.1.2). `ended` follows in any case, within the adapter's close time-out. */
  close(code: number, reason: string): void;
  /** Ends the connection without a handshake; `ended` follows. */
  terminate(): void;
  pause(): void;
  resume(): void;
  ping(): void;
  /** False from the moment that a close frame was sent or read, or the stream broke: a frame would reach nobody. */
  readonly isOpen: boolean;
  /** Bytes handed over and not yet taken by the operating system. */
  readonly bufferedBytes: number;
  /** Bytes ever read; grows while a long frame is still arriving. */
  readonly receivedBytes: number;
}

/** Takes the one verdict on one event. */
export interface Receiver<Verdict> {
  /** Called exactly once, never from inside the call that the event was handed over by. */
  settled(verdict: Verdict): void;
}

/**
 * The user's system: answers what a client did. Bounded, fair, and never throwing: whatever happens is a verdict.
 * `waitUntil` is the time (of `Clock.now`) until which it is worth holding an event back while the system is known to be down.
 */
export interface Backend {
  open(event: OpenEvent, waitUntil: number): Promise<OpenVerdict>;
  /** The caller hands over one message of a connection at a time, in order. */
  message(event: MessageEvent, receiver: Receiver<MessageVerdict>, waitUntil: number): void;
  close(event: CloseEvent, receiver: Receiver<CloseVerdict>, waitUntil: number): void;
  /** Ends what is idle at once; verdicts that are still out say that they were not taken. Idempotent. */
  stop(): Promise<void>;
}

/** What a ledger remembers of an open connection, so that a later process can tell of its end. No credentials. */
export type LedgerEntry = {
  readonly key: string;
  readonly id: string;
  readonly route: string;
  readonly path: string;
  readonly tags: Readonly<Record<string, string>> | null;
  readonly data: string | null;
};

/** Remembers open connections across the death of a process (docs/guarantees.md#g3-one-close-for-every-accepted-open-none-for-a-refused-one). Never throws: trouble is told by `problem`. */
export interface Ledger {
  /** Resolves when the entry would survive the process. The gateway waits for it before it asks the backend. */
  opened(entry: LedgerEntry): Promise<void> | void;
  /** The connection's `close` event was acknowledged, or the connection was never accepted. */
  forget(key: string): void;
  /** Entries of processes that died; each is handed to exactly one caller. */
  orphans(): Promise<readonly LedgerEntry[]>;
  close(): Promise<void>;
  /** `none`, `process` (survives a crash of the process), `node` (survives the node). */
  readonly level: 'none' | 'process' | 'node';
  /** Why the level is not kept at the moment, or null. */
  readonly problem: string | null;
}

/** What a bus calls when another process asks this one. */
export interface BusHandler {
  /** Never throws. */
  execute(command: Command): Outcome | Promise<Outcome>;
  /** Never throws. */
  answer(query: Query): Promise<Part>;
  /** A newer connection with this id was let in elsewhere: the one with this key ends here (4409). */
  evict(id: string, key: string): void;
  /** Another process died: its connections' ends may be told now (`Ledger.orphans`). */
  bereaved(): void;
  /** This process was taken for dead: another tells the ends of the connections with these keys, which end here untold. */
  disown(keys: ReadonlySet<string>): void;
}

/** Carries commands to the process that owns a connection, and queries to all. */
export interface Bus {
  /** Called once, before anything else. */
  serve(handler: BusHandler): Promise<void>;
  /** Asked by one that has looked at home. Null: no other process could own this id. Otherwise at most one process acts; the outcome is true, `unavailable` or `timeout`. */
  ask(command: Command): Promise<Outcome> | null;
  /** Asks all other processes. Resolves within the bus time-out; silent ones are named. Never rejects. */
  askAll(query: Query): Promise<Answers>;
  /** This process wants the client-chosen id of this address (`core/address`); an older owner, where it may be replaced, is told to evict it. Claims are ordered. */
  claim(id: string, key: string, mayReplace: boolean): Promise<boolean>;
  /** Ends a claim, if it is still this one. */
  release(id: string, key: string): void;
  close(): Promise<void>;
}

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /**
   * ms in which this process ran: for spans and deadlines, and nothing else. It starts as the epoch's, and falls behind by
   * every pause, in which nothing that others did could be seen.
   */
  now(): number;
  /** Epoch ms: for what people and other programs read, and for dates that they wrote. */
  date(): number;
  /** After so many ms of `now`, never earlier. */
  after(ms: number, task: () => void): Timer;
  /** 0 ≤ x < 1, for jitter. */
  random(): number;
}

/** Structured first, then a short constant message. Never payloads or credentials. */
export interface Log {
  error(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  info(facts: object, message: string): void;
  debug(facts: object, message: string): void;
  /** Ask before building facts on the path of a message. */
  readonly isDebugging: boolean;
}
