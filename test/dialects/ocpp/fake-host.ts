import type { BackendCall, BackendResult, Transport } from '../../../src/wire/calls.ts';
import type { PushOutcome } from '../../../src/core/commands.ts';
import type { Intake, IntakeClient, IntakeHost } from '../../../src/core/intake.ts';
import type { Message } from '../../../src/core/events.ts';
import type { Limits } from '../../../src/core/limits.ts';
import { Meter } from '../../../src/core/meter.ts';
import type { Clock, Receiver, Timer } from '../../../src/core/ports.ts';
import { Party } from '../../../src/core/party.ts';
import { speakOcpp } from '../../../src/dialects/ocpp/speech.ts';
import type { Subprotocol } from '../../../src/dialects/ocpp/versions.ts';

export const LIMITS: Limits = {
  idleTimeoutMs: 30_000,
  maxMessageBytes: 65_536,
  messagesPerSecond: 0,
  bytesPerSecond: 0,
  inboxMessages: 4,
  inboxBytes: 65_536,
  sendBufferBytes: 65_536,
  slowClientTimeoutMs: 10_000,
  openTimeoutMs: 10_000,
  backendTimeoutMs: 29_000,
  backendRetryForMs: 60_000,
  closeRetryForMs: 60_000,
  idempotencyKeys: 64,
  maxIdleMs: 0,
  maxAgeMs: 0,
};

/** Time that passes when it is told to. */
export class FakeClock implements Clock {
  #now = 1_000_000;
  readonly timers = new Set<{ readonly at: number; readonly task: () => void }>();

  now(): number {
    return this.#now;
  }

  date(): number {
    return this.#now;
  }

  random(): number {
    return 0.5;
  }

  after(ms: number, task: () => void): Timer {
    const timer = { at: this.#now + ms, task };
    this.timers.add(timer);
    return { cancel: () => void this.timers.delete(timer) };
  }

  pass(ms: number): void {
    const end = this.#now + ms;
    for (let rings = 0; ; rings += 1) {
      if (rings > 10_000) throw new Error('a timer rings for ever');
      const [next] = [...this.timers].filter(({ at }) => at <= end).toSorted((one, other) => one.at - other.at);
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      this.timers.delete(next);
      next.task();
    }
    this.#now = end;
  }
}

type Pending = { readonly call: BackendCall; readonly receiver: Receiver<BackendResult>; readonly waitUntil: number };

/** A connection and its backend in memory: what was sent down, what was asked above, and a way to answer it. */
export class FakeHost implements IntakeClient, IntakeHost {
  readonly id = 'CP 1';
  readonly key = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
  readonly tags = new Map<string, string>();
  readonly party: Party;
  readonly clock = new FakeClock();
  readonly meter = new Meter();
  readonly observer = this.meter;
  readonly log = { error() {}, warn() {}, info() {}, debug() {}, isDebugging: false };
  readonly frames: string[] = [];
  readonly calls: Pending[] = [];
  readonly closes: number[] = [];
  pauses = 0;
  emptiedTimes = 0;
  pushOutcome: PushOutcome = { type: 'sent' };
  readonly transport: Transport = {
    call: (call: BackendCall, receiver: Receiver<BackendResult>, waitUntil: number): void =>
      void this.calls.push({ call, receiver, waitUntil }),
    close: async () => {},
  };

  constructor(subprotocol: Subprotocol) {
    const { id, key, tags } = this;
    const path = '/ocpp/CP%201';
    this.party = new Party({
      id,
      key,
      route: 'ocpp',
      path,
      tags,
      subprotocol,
      authorization: 'Basic Q1AgMTr/AP4=',
      traceparent: null,
      data: null,
    });
  }

  push(message: Message): PushOutcome {
    if (this.pushOutcome.type === 'sent') this.frames.push(message.data.toString());
    return this.pushOutcome;
  }

  reply(message: Message): void {
    this.frames.push(message.data.toString());
  }

  close(code: number): void {
    this.closes.push(code);
  }

  pause(): void {
    this.pauses += 1;
  }

  resume(): void {
    this.pauses -= 1;
  }

  setTags(): string | null {
    return null;
  }

  emptied(): void {
    this.emptiedTimes += 1;
  }

  /** Paths asked so far, without the base. */
  get paths(): string[] {
    return this.calls.map(({ call }) => call.path.replace('/csms/', ''));
  }

  /** Takes all frames sent down so far. */
  take(): unknown[] {
    return this.frames.splice(0).map((frame) => JSON.parse(frame) as unknown);
  }
}

const SPEECH = speakOcpp({
  backendPath: '/csms',
  wsUri: (id) => `gateway:8080/${encodeURIComponent(id)}`,
  backendHeaders: [],
  limits: LIMITS,
  callTimeoutMs: 30_000,
  queuedCalls: 3,
});

export const CODEC = SPEECH.codec;

export type Station = {
  readonly host: FakeHost;
  readonly intake: Intake;
  /** The client sends this. */
  readonly sends: (frame: unknown, isBinary?: boolean) => void;
  /** The backend calls; without `waitMs` it hears of the answer by an event. */
  readonly isCalled: (messageId: string, waitMs?: number) => ReturnType<Intake['command']>;
  /** The backend answers the nth call that it got. */
  readonly answered: (index: number, status: number, body?: string) => void;
  readonly failed: (index: number) => void;
};

/** An intake over a fake host, open unless told otherwise. */
export function station(subprotocol: Subprotocol, { isOpen = true } = {}): Station {
  const host = new FakeHost(subprotocol);
  const intake = SPEECH.intake(host.transport)(host, host);
  if (isOpen) intake.opened();
  let seq = 0;
  const settle = (index: number, result: BackendResult): void => host.calls[index]?.receiver.settled(result);
  return {
    host,
    intake,
    sends: (frame, isBinary = false) => {
      seq += 1;
      const data = Buffer.isBuffer(frame) ? frame : Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame));
      intake.received({ type: 'message', party: host.party, seq, data, isBinary });
    },
    isCalled: (messageId, waitMs) =>
      intake.command({
        type: 'rpc-call',
        id: host.id,
        messageId,
        action: 'Reset',
        payloadJson: '{"type":"Soft"}',
        waitMs: waitMs ?? null,
      }),
    answered: (index, status, body = '') => settle(index, { type: 'answer', status, headers: {}, body: Buffer.from(body) }),
    failed: (index) => settle(index, { type: 'failure', reason: 'unreachable', wasSent: false, detail: '' }),
  };
}
