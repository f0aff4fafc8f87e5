import type { Intake, IntakeClient, IntakeFactory, IntakeHost } from '../../core/intake.ts';
import { ACCEPTED, type RpcCommand } from '../../core/rpc.ts';
import type { RpcOutcome } from '../../core/commands.ts';
import type { Message, MessageEvent, MessageVerdict } from '../../core/events.ts';
import { idsOf } from '../../core/party.ts';
import type { Receiver, Timer } from '../../core/ports.ts';
import { retryDelayMs } from '../../core/retry.ts';
import { type BackendAnswer, type BackendResult, retryAfterMs, type Transport } from '../../wire/calls.ts';
import { readSetTags } from '../../wire/verdicts.ts';
import { decodeFrame } from './codec.ts';
import { callFrame, resultErrorFrame, sendFrame } from './frames.ts';
import { type OcppHttp, readCallAnswer, whyUndelivered } from './http.ts';
import { step } from './machine.ts';
import {
  type Ask,
  type Effect,
  INITIAL_STATE,
  type Input,
  isIdle,
  type LaneName,
  nextDeadline,
  type Rules,
  type State,
  undelivered,
} from './state.ts';

/** What the intakes of one route share. */
export type OcppIntakeOptions = {
  readonly http: OcppHttp;
  readonly transport: Transport;
  readonly rulesOf: (subprotocol: string | null) => Rules;
};

export function createOcppIntakes(options: OcppIntakeOptions): IntakeFactory {
  return (client, host) => new OcppIntake(client, host, options);
}

/** Runs the state machine for one client: carries out its effects, and tells it the time and what came back. */
class OcppIntake implements Intake {
  readonly #client: IntakeClient;
  readonly #host: IntakeHost;
  readonly #options: OcppIntakeOptions;
  readonly #rules: Rules;
  #state: State = INITIAL_STATE;
  #timer: Timer | null = null;
  #timerAt = Infinity;
  #lastSerial = 0;
  /** Who waits to hear what came of a call of the backend. */
  #askers: Map<number, (outcome: RpcOutcome) => void> | null = null;
  /** One each: at most one call of its kind is on its way. Made when first needed, for most connections are idle. */
  #served: Receiver<BackendResult> | null = null;
  /** The CALL that the backend works on, and since when. */
  #askedSeq = 0;
  #askedAt = 0;
  #lanes: Partial<Record<LaneName, Receiver<BackendResult>>> | null = null;

  constructor(client: IntakeClient, host: IntakeHost, options: OcppIntakeOptions) {
    this.#client = client;
    this.#host = host;
    this.#options = options;
    this.#rules = options.rulesOf(client.party.subprotocol);
  }

  get isIdle(): boolean {
    return isIdle(this.#state);
  }

  get undelivered(): number {
    return undelivered(this.#state);
  }

  get isHolding(): boolean {
    return this.#state.answers.attempts > 0 || this.#state.sends.attempts > 0;
  }

  received({ data, isBinary, seq }: MessageEvent): void {
    const frame = decodeFrame(this.#rules.version, data, isBinary);
    this.#feed({ type: 'frame', frame, seq, bytes: data.length, now: this.#host.clock.now() });
  }

  opened(): void {
    this.#feed({ type: 'opened', now: this.#host.clock.now() });
  }

  ended(): void {
    this.#feed({ type: 'ended', now: this.#host.clock.now() });
  }

  command(command: RpcCommand): RpcOutcome | Promise<RpcOutcome> {
    const { version } = this.#rules;
    switch (command.type) {
      case 'rpc-call':
        return this.#ask(command);
      case 'rpc-send':
        if (!version.hasSend) return { type: 'conflict', detail: `${version.subprotocol} has no SEND` };
        return this.#push(sendFrame(command.messageId, command.action, command.payloadJson));
      case 'rpc-reject':
        if (!version.hasSend) return { type: 'conflict', detail: `${version.subprotocol} has no CALLRESULTERROR` };
        return this.#push(resultErrorFrame(command.messageId, command.error));
    }
  }

  #ask({ messageId, action, payloadJson, waitMs }: Extract<RpcCommand, { type: 'rpc-call' }>): RpcOutcome | Promise<RpcOutcome> {
    const frame = callFrame(messageId, action, payloadJson);
    const bytes = Buffer.byteLength(frame);
    if (bytes > this.#rules.maxMessageBytes) return { type: 'too-long', maxBytes: this.#rules.maxMessageBytes };
    const now = this.#host.clock.now();
    this.#lastSerial += 1;
    const ask: Ask = {
      serial: this.#lastSerial,
      id: messageId,
      action,
      frame,
      bytes,
      wants: waitMs === null ? 'answer' : 'outcome',
      waitUntil: waitMs === null ? Infinity : now + waitMs,
      expiresAt: Infinity,
    };
    const told: { outcome: RpcOutcome | null; resolve: ((outcome: RpcOutcome) => void) | null } = { outcome: null, resolve: null };
    this.#askers ??= new Map();
    this.#askers.set(ask.serial, (outcome) => {
      if (told.resolve === null) told.outcome = outcome;
      else told.resolve(outcome);
    });
    this.#feed({ type: 'ask', ask, now });
    if (told.outcome !== null) return told.outcome;
    return new Promise((resolve) => {
      told.resolve = resolve;
    });
  }

  #push(frame: string): RpcOutcome {
    const outcome = this.#client.push(textOf(frame), null);
    return outcome.type === 'sent' || outcome.type === 'queued' ? ACCEPTED : outcome;
  }

  #feed(input: Input): void {
    const wasIdle = isIdle(this.#state);
    const { state, effects } = step(this.#rules, this.#state, input);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    this.#setTimer();
    if (!wasIdle && isIdle(this.#state)) this.#client.emptied();
  }

  #carryOut(effect: Effect): void {
    const client = this.#client;
    const { http, transport } = this.#options;
    switch (effect.type) {
      case 'reply':
        client.reply(textOf(effect.frame));
        return;
      case 'push':
        this.#send(effect.ask);
        return;
      case 'serve':
        this.#served ??= { settled: (result) => this.#settled(result) };
        this.#askedSeq = effect.call.seq;
        this.#askedAt = this.#host.clock.now();
        transport.call(http.call(client.party, effect.call), this.#served, effect.call.expiresAt);
        return;
      case 'deliver':
        transport.call(http.delivery(client.party, effect.delivery), this.#receiver(effect.lane), effect.delivery.giveUpAt);
        return;
      case 'outcome':
        this.#tell(effect.serial, effect.outcome);
        return;
      case 'count':
        this.#host.observer.counted(effect.counter, 1);
        return;
      case 'lost':
        this.#host.observer.counted('messagesUndelivered', effect.messages);
        return;
      case 'pause':
        client.pause();
        return;
      case 'resume':
        client.resume();
        return;
      case 'close':
        this.#host.log.warn(idsOf(client.party), 'answers or sends undelivered, connection ends');
        client.close(effect.code, effect.reason);
    }
  }

  #send(ask: Ask): void {
    const outcome = this.#push(ask.frame);
    if (outcome.type === 'accepted') {
      if (ask.wants === 'answer') this.#tell(ask.serial, outcome);
      return;
    }
    this.#tell(ask.serial, outcome);
    this.#feed({ type: 'unsent', serial: ask.serial, now: this.#host.clock.now() });
  }

  #tell(serial: number, outcome: RpcOutcome): void {
    const asker = this.#askers?.get(serial);
    this.#askers?.delete(serial);
    asker?.(outcome);
  }

  #settled(result: BackendResult): void {
    this.#observed(this.#askedSeq, { type: 'delivered', reply: null, complaint: complaintOf(result) }, this.#askedAt);
    if (result.type === 'answer') this.#taken(result);
    this.#feed({ type: 'served', answer: readCallAnswer(this.#rules.version, result), now: this.#host.clock.now() });
  }

  #receiver(lane: LaneName): Receiver<BackendResult> {
    this.#lanes ??= {};
    this.#lanes[lane] ??= { settled: (result) => this.#delivered(lane, result) };
    return this.#lanes[lane];
  }

  #delivered(lane: LaneName, result: BackendResult): void {
    const { clock, observer, log } = this.#host;
    const now = clock.now();
    const because = whyUndelivered(result);
    const { attempts, current } = this.#state[lane];
    const askedAt = (current?.giveUpAt ?? now) - this.#rules.retryForMs;
    if (because === null) {
      this.#observed(current?.seq ?? 0, { type: 'delivered', reply: null, complaint: complaintOf(result) }, askedAt);
      if (result.type === 'answer') this.#taken(result);
      this.#feed({ type: 'delivered', lane, now });
      return;
    }
    this.#observed(current?.seq ?? 0, { type: 'retry', afterMs: null, because }, askedAt);
    observer.counted('messagesRetried', 1);
    if (log.isDebugging) log.debug({ ...idsOf(this.#client.party), because }, 'answer or send held, will be sent again');
    const leftMs = (current?.giveUpAt ?? now) - now;
    const delay = retryDelayMs({ attempts, afterMs: retryAfterMs(result, clock.date()), leftMs, random: clock.random() });
    this.#feed({ type: 'undelivered', lane, retryAfterMs: delay ?? Infinity, now });
  }

  #observed(seq: number, verdict: MessageVerdict, askedAt: number): void {
    this.#host.observer.answered({ type: 'message', party: this.#client.party, seq, data: NOTHING, isBinary: false }, verdict, askedAt);
  }

  #taken({ status, headers }: BackendAnswer): void {
    const { log, observer } = this.#host;
    const ids = idsOf(this.#client.party);
    observer.counted('messagesDelivered', 1);
    if (status >= 200 && status < 300) {
      const tags = readSetTags(headers);
      const problem = tags === null || typeof tags === 'string' ? tags : this.#client.setTags(tags);
      if (problem !== null) log.warn({ ...ids, problem }, 'the backend set tags that cannot be set');
    } else {
      observer.counted('messagesComplained', 1);
      log.info({ ...ids, status }, 'the backend took a message and complained');
    }
  }

  /** One timer for all waits. It may ring early, for a wait that has ended since: then it is set again. */
  #setTimer(): void {
    const deadline = nextDeadline(this.#state);
    if (this.#timer !== null && (deadline < this.#timerAt || (deadline === Infinity && this.#state.phase === 'ended'))) {
      this.#timer.cancel();
      this.#timer = null;
    }
    if (this.#timer !== null || deadline === Infinity) return;
    const { clock } = this.#host;
    this.#timerAt = deadline;
    this.#timer = clock.after(Math.max(0, deadline - clock.now()), () => {
      this.#timer = null;
      this.#feed({ type: 'time', now: clock.now() });
    });
  }
}

/** What is delivered is told by its number; `received` had the frame. */
const NOTHING = Buffer.alloc(0);

/** What the backend, or the want of its answer, said against a frame that will not be sent again. */
function complaintOf(result: BackendResult): string | null {
  if (result.type === 'failure') return result.reason;
  return result.status >= 200 && result.status < 300 ? null : `status ${result.status}`;
}

function textOf(frame: string): Message {
  return { data: Buffer.from(frame), isBinary: false };
}
