import { retryAfterMs, type BackendAnswer, type BackendResult } from '../../wire/calls.ts';
import { ACCEPTED, type Conversation, type ConversationHost, type RpcCommand, type RpcOutcome } from '../../core/conversation.ts';
import type { Message, MessageEvent } from '../../core/events.ts';
import { backOffMs } from '../../core/inbox.ts';
import type { Receiver, Timer } from '../../core/ports.ts';
import { readSetTags } from '../../wire/set-tags.ts';
import { decodeFrame } from './codec.ts';
import { callFrame, resultErrorFrame, sendFrame } from './frames.ts';
import { readCallAnswer, whyUndelivered, type OcppHttp } from './http.ts';
import { step } from './machine.ts';
import { INITIAL_STATE, isIdle, nextDeadline, type Ask, type Effect, type Input, type LaneName, type Rules, type State } from './state.ts';

export type OcppConversationOptions = { readonly host: ConversationHost; readonly http: OcppHttp; readonly rules: Rules };

/** Runs the state machine for one client: carries out its effects, and tells it the time and what came back. */
export class OcppConversation implements Conversation {
  readonly #host: ConversationHost;
  readonly #http: OcppHttp;
  readonly #rules: Rules;
  #state: State = INITIAL_STATE;
  #timer: Timer | null = null;
  #timerAt = Infinity;
  #lastSerial = 0;
  /** Who waits to hear what came of a call of the backend. */
  #askers: Map<number, (outcome: RpcOutcome) => void> | null = null;
  /** One each: at most one call of its kind is on its way. Made when first needed, for most connections are idle. */
  #served: Receiver | null = null;
  #lanes: Partial<Record<LaneName, Receiver>> | null = null;

  constructor({ host, http, rules }: OcppConversationOptions) {
    this.#host = host;
    this.#http = http;
    this.#rules = rules;
  }

  get isIdle(): boolean {
    return isIdle(this.#state);
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
    const outcome = this.#host.push(textOf(frame), null);
    return outcome.type === 'sent' || outcome.type === 'queued' ? ACCEPTED : outcome;
  }

  #feed(input: Input): void {
    const wasIdle = isIdle(this.#state);
    const { state, effects } = step(this.#rules, this.#state, input);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    this.#setTimer();
    if (!wasIdle && isIdle(this.#state)) this.#host.emptied();
  }

  #carryOut(effect: Effect): void {
    const host = this.#host;
    switch (effect.type) {
      case 'reply':
        host.reply(textOf(effect.frame));
        return;
      case 'push':
        this.#send(effect.ask);
        return;
      case 'serve':
        this.#served ??= { settled: (result) => this.#settled(result) };
        host.backend.call(this.#http.call(host, effect.call), this.#served, effect.call.expiresAt);
        return;
      case 'deliver':
        host.backend.call(this.#http.delivery(host, effect.delivery), this.#receiver(effect.lane), effect.delivery.giveUpAt);
        return;
      case 'outcome':
        this.#tell(effect.serial, effect.outcome);
        return;
      case 'count':
        host.rpcMeter[effect.counter] += 1;
        return;
      case 'lost':
        host.meter.messagesUndelivered += effect.messages;
        return;
      case 'pause':
        host.pause();
        return;
      case 'resume':
        host.resume();
        return;
      case 'close':
        host.log.warn({ id: host.id }, 'answers or sends undelivered, connection ends');
        host.close(effect.code, effect.reason);
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
    if (result.type === 'answer') this.#taken(result);
    this.#feed({ type: 'served', answer: readCallAnswer(this.#rules.version, result), now: this.#host.clock.now() });
  }

  #receiver(lane: LaneName): Receiver {
    this.#lanes ??= {};
    this.#lanes[lane] ??= { settled: (result) => this.#delivered(lane, result) };
    return this.#lanes[lane];
  }

  #delivered(lane: LaneName, result: BackendResult): void {
    const { clock, meter, log } = this.#host;
    const now = clock.now();
    const because = whyUndelivered(result);
    if (because === null) {
      if (result.type === 'answer') this.#taken(result);
      this.#feed({ type: 'delivered', lane, now });
      return;
    }
    meter.messagesRetried += 1;
    if (log.isDebugging) log.debug({ id: this.#host.id, because }, 'answer or send held, will be sent again');
    const delay = retryAfterMs(result, now) ?? backOffMs(this.#state[lane].attempts, clock.random());
    this.#feed({ type: 'undelivered', lane, retryAfterMs: delay, now });
  }

  #taken({ status, headers }: BackendAnswer): void {
    const { id, log, meter } = this.#host;
    meter.messagesDelivered += 1;
    if (status >= 200 && status < 300) {
      const tags = readSetTags(headers);
      const problem = tags === null ? null : this.#host.setTags(tags);
      if (problem !== null) log.warn({ id, problem }, 'the backend set tags that cannot be set');
    } else {
      meter.messagesComplained += 1;
      log.info({ id, status }, 'the backend took a message and complained');
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

function textOf(frame: string): Message {
  return { data: Buffer.from(frame), isBinary: false };
}
