/** What a model of docs/guarantees.md knows of one client, beside and independent of what core believes. */
export class Truth {
  readonly name: string;
  id: string | null = null;
  opening: 'unasked' | 'asked' | 'accepted' | 'unusable' | 'refused' = 'unasked';
  /** As a push must find it. `gone`: refused, or its socket has ended. */
  phase: 'connecting' | 'open' | 'closing' | 'gone' = 'connecting';

  /** Payloads that the gateway has read from this client. */
  readonly received: string[] = [];
  /** How many of them the backend has taken. */
  delivered = 0;
  readonly message: Attempts = new Attempts();
  readonly close: Attempts = new Attempts();
  readonly eventIds = new Map<string, string>();
  isCloseTaken = false;

  verdictMessage: string | null = null;
  readonly earlyPushes: string[] = [];
  earlyBytes = 0;
  earlyClose: { readonly code: number; readonly reason: string } | null = null;
  /** What its socket must have been handed by now, and what it was. */
  expectedFrames: string[] = [];
  readonly frames: string[] = [];
  readonly keys = new Map<string, { readonly outcome: string; readonly at: number }>();

  /** Code of the first close frame from our side, when that was, and why the socket ended. */
  sentCloseCode: number | null = null;
  sentCloseAt = Infinity;
  wasTerminated = false;
  endedAt = Infinity;
  endCode = 0;

  constructor(name: string) {
    this.name = name;
  }
}

/** The calls about one event: at most one at a time, equal in what they say. */
export class Attempts {
  seq = 0;
  count = 0;
  firstAt = 0;
  isRunning = false;
  failedAt = 0;
  /** What the last failure's answer asked us to wait; null where it did not. */
  retryAfterMs: number | null = null;
  body = '';

  begin(seq: number, now: number, body: string): void {
    this.seq = seq;
    this.count = 0;
    this.firstAt = now;
    this.body = body;
  }
}

/** Collects what went wrong and what happened at all; prints a history where asked to. */
export class Record {
  readonly violations: string[] = [];
  readonly tally: Map<string, number>;
  readonly #isVerbose: boolean;
  readonly #now: () => number;
  readonly #startedAt: number;

  constructor(tally: Map<string, number>, isVerbose: boolean, now: () => number) {
    this.tally = tally;
    this.#isVerbose = isVerbose;
    this.#now = now;
    this.#startedAt = now();
  }

  violate(guarantee: string, truth: Truth | null, what: string): void {
    const line = `${guarantee}: ${truth === null ? '' : `${truth.name} `}${what} (at ${this.#elapsed()} ms)`;
    this.violations.push(line);
    if (this.#isVerbose) console.log(`!!! ${line}`);
  }

  count(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1);
  }

  /** `facts` are joined only where somebody reads them. */
  note(truth: Truth | null, what: string, ...facts: readonly unknown[]): void {
    if (this.#isVerbose) console.log(`${this.#elapsed().padStart(9)} ${(truth?.name ?? '-').padEnd(3)} ${what}`, ...facts);
  }

  #elapsed(): string {
    return (this.#now() - this.#startedAt).toFixed(1);
  }
}
