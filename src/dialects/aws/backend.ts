import type { CloseEvent, CloseVerdict, MessageEvent, MessageVerdict, OpenEvent, OpenVerdict, Refusal } from '../../core/events.ts';
import { idsOf } from '../../core/party.ts';
import type { Backend, Clock, Log, Receiver } from '../../core/ports.ts';
import type { FunctionResult, FunctionTarget } from '../../wire/functions.ts';
import { explained, unreadable } from '../../wire/open-failures.ts';
import type { AwsApi, AwsFunction } from './api.ts';
import type { Authorizer } from './authorization.ts';
import type { AwsCodec, Step } from './codec.ts';
import { errorFrame, FRAME_MESSAGES } from './frames.ts';
import { awsRefusal } from './refusing.ts';
import { Throttles } from './throttles.ts';

export type AwsBackendOptions = {
  readonly api: AwsApi;
  readonly codec: AwsCodec;
  /** What runs each function of the API. */
  readonly targets: ReadonlyMap<AwsFunction, FunctionTarget>;
  /** Null: everybody may ask $connect. */
  readonly authorizer: Authorizer | null;
  readonly clock: Clock;
  readonly log: Log;
};

type Call = Extract<Step<never>, { type: 'call' }>;

/** The port `Backend` over functions: what the codec makes of an event is invoked, and what comes of it decoded. */
export class AwsBackend implements Backend {
  readonly #options: AwsBackendOptions;
  readonly #throttles: Throttles;

  constructor(options: AwsBackendOptions) {
    this.#options = options;
    this.#throttles = new Throttles(options.api.functions.values(), () => options.clock.now());
  }

  async open(event: OpenEvent, waitUntil: number): Promise<OpenVerdict> {
    try {
      return await this.#open(event, waitUntil);
    } catch (error) {
      this.#options.log.error({ err: error, id: event.party.id }, 'an open event or its answer could not be read');
      return unreadable(awsRefusal(event, { status: 502, code: 'BAD_GATEWAY', message: FRAME_MESSAGES.failed }), 'unreadable answer');
    }
  }

  async #open(event: OpenEvent, waitUntil: number): Promise<OpenVerdict> {
    const { codec, authorizer, api } = this.#options;
    const connect = api.functions.get('$connect');
    const waitMs = connect === undefined ? 0 : this.#throttles.waitMs(connect);
    if (waitMs > 0)
      return { ...awsRefusal(event, { status: 429, code: 'THROTTLED', message: FRAME_MESSAGES.throttled }), retryAfterMs: waitMs };
    const allowed = (await authorizer?.authorize(event, waitUntil)) ?? null;
    if (allowed?.type === 'refused') return allowed;
    const step = codec.encodeOpen(event, allowed);
    if (step.type === 'settled') return step.verdict;
    const result = await new Promise<FunctionResult>((settled) => this.#invoke(step, { settled }, waitUntil));
    if (result.type === 'threw') this.#complain(event, '$connect', result.errorType);
    const verdict = codec.decodeOpen(event, allowed, result);
    return verdict.type === 'refused' ? toldWhy(verdict, result) : verdict;
  }

  message(event: MessageEvent, receiver: Receiver<MessageVerdict>, waitUntil: number): void {
    const { codec } = this.#options;
    const step = codec.encodeMessage(event);
    if (step.type === 'settled') {
      settleLater(receiver, step.verdict);
      return;
    }
    if (this.#throttles.waitMs(step.fn) > 0) {
      const reply = errorFrame(FRAME_MESSAGES.throttled, event.party.id, step.call.requestId);
      settleLater(receiver, { type: 'delivered', reply, complaint: 'throttled' });
      return;
    }
    this.#invoke(step, new MessageCall(event, receiver, { codec, step, log: this.#options.log }), waitUntil);
  }

  close(event: CloseEvent, receiver: Receiver<CloseVerdict>, waitUntil: number): void {
    const { codec } = this.#options;
    const step = codec.encodeClose(event);
    if (step.type === 'settled') {
      settleLater(receiver, step.verdict);
      return;
    }
    const settled = (result: FunctionResult): void => {
      if (result.type === 'threw') this.#complain(event, '$disconnect', result.errorType);
      receiver.settled(codec.decodeClose(event, result));
    };
    this.#invoke(step, { settled }, waitUntil);
  }

  #complain({ party }: OpenEvent | CloseEvent, routeKey: string, errorType: string): void {
    this.#options.log.warn({ ...idsOf(party), routeKey, errorType }, 'a function threw');
  }

  /** The targets are the process's, and end with it. */
  stop(): Promise<void> {
    return Promise.resolve();
  }

  #invoke({ fn, call }: Call, receiver: Receiver<FunctionResult>, waitUntil: number): void {
    const target = this.#options.targets.get(fn);
    if (target === undefined) throw new Error(`no target was opened for ${fn.routeKey}`); // speech.ts opens one for each
    target.invoke(call, receiver, waitUntil);
  }
}

/** One message on its way. */
class MessageCall implements Receiver<FunctionResult> {
  readonly #event: MessageEvent;
  readonly #receiver: Receiver<MessageVerdict>;
  readonly #made: MadeOf;

  constructor(event: MessageEvent, receiver: Receiver<MessageVerdict>, made: MadeOf) {
    this.#event = event;
    this.#receiver = receiver;
    this.#made = made;
  }

  settled(result: FunctionResult): void {
    this.#receiver.settled(this.#decoded(result));
  }

  #decoded(result: FunctionResult): MessageVerdict {
    const { codec, step, log } = this.#made;
    const { party } = this.#event;
    try {
      return codec.decodeMessage(this.#event, step, result);
    } catch (error) {
      log.error({ err: error, id: party.id }, 'the answer to a message could not be read');
      return { type: 'delivered', reply: errorFrame(FRAME_MESSAGES.failed, party.id, step.call.requestId), complaint: 'unreadable answer' };
    }
  }
}

type MadeOf = { readonly codec: AwsCodec; readonly step: Call; readonly log: Log };

/** What the log and the metrics tell of a client that is not let in. */
function toldWhy(refusal: Refusal, result: FunctionResult): Refusal {
  if (result.type === 'failure') return explained(refusal, result);
  if (result.type === 'answered') return explained(refusal, result.answer);
  if (refusal.status < 500) return refusal;
  return unreadable(
    refusal,
    result.type === 'threw' ? `the function threw ${result.errorType}` : `the function returned what makes ${refusal.status}`,
  );
}

/** A verdict never comes from inside the call that the event was handed over by. */
function settleLater<Verdict>(receiver: Receiver<Verdict>, verdict: Verdict): void {
  process.nextTick(() => receiver.settled(verdict));
}
