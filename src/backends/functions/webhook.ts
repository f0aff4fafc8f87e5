import type { Receiver } from '../../core/ports.ts';
import type { BackendCall, BackendResult, CallProfile, Transport } from '../../wire/calls.ts';
import type { FunctionCall, FunctionResult, FunctionTarget } from '../../wire/functions.ts';
import type { TargetSpec } from '../../wire/targets.ts';

type WebhookSpec = Extract<TargetSpec, { readonly type: 'webhook' }>;

/** How a webhook is called and understood, as pure functions. */
export class WebhookCodec {
  readonly #path: string;
  readonly #headers: readonly string[];
  readonly #isEnvelope: boolean;
  readonly #profiles: CallProfile[] = [];

  constructor({ url, answer, headers }: WebhookSpec) {
    const { pathname, search } = new URL(url);
    this.#path = pathname + search;
    this.#headers = ['content-type', 'application/json', 'accept-encoding', 'identity', ...headers];
    this.#isEnvelope = answer === 'envelope';
  }

  encode(call: FunctionCall): BackendCall {
    const headers = call.headers === undefined ? [...this.#headers] : this.#headers.concat(call.headers);
    return { profile: this.#profileOf(call), path: this.#path, headers, body: call.payload };
  }

  decode(result: BackendResult): FunctionResult {
    if (result.type === 'failure') return result;
    const isReturned = this.#isEnvelope && result.status >= 200 && result.status <= 299;
    return isReturned ? { type: 'returned', payload: result.body } : { type: 'answered', answer: result };
  }

  /** One object for all calls of a kind and time-out. A $disconnect may be told twice. */
  #profileOf({ kind, timeoutMs, maxAnswerBytes }: FunctionCall): CallProfile {
    const wanted = kind === 'authorize' ? 'open' : kind;
    for (const known of this.#profiles)
      if (known.kind === wanted && known.timeoutMs === timeoutMs && known.maxAnswerBytes === maxAnswerBytes) return known;
    const profile: CallProfile = {
      kind: wanted,
      method: 'POST',
      isIdempotent: kind === 'close',
      timeoutMs,
      maxAnswerBytes,
      wantsBody: true,
    };
    this.#profiles.push(profile); // as many as routes have time-outs
    return profile;
  }
}

/** A function behind a URL, over the sockets that everything to its origin shares. */
export function createWebhook(spec: WebhookSpec, { transportTo }: { readonly transportTo: (origin: string) => Transport }): FunctionTarget {
  const codec = new WebhookCodec(spec);
  const transport = transportTo(new URL(spec.url).origin);
  return {
    invoke: (call, receiver, waitUntil) => transport.call(codec.encode(call), new Decoding(codec, receiver), waitUntil),
    stop: () => Promise.resolve(), // the sockets are the process's
  };
}

/** A class, because a closure for each message costs more. */
class Decoding implements Receiver<BackendResult> {
  readonly #codec: WebhookCodec;
  readonly #receiver: Receiver<FunctionResult>;

  constructor(codec: WebhookCodec, receiver: Receiver<FunctionResult>) {
    this.#codec = codec;
    this.#receiver = receiver;
  }

  settled(result: BackendResult): void {
    this.#receiver.settled(this.#codec.decode(result));
  }
}
