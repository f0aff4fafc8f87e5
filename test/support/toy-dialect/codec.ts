import { DELIVERED, type CloseEvent, type MessageEvent, type OpenEvent } from '../../../src/core/events.ts';
import type { DialectContext } from '../../../src/dialects/definition.ts';
import type { BackendCall, BackendResult, CallProfile } from '../../../src/wire/calls.ts';
import type { Codec } from '../../../src/wire/codec.ts';
import { closeVerdict, refused, unanswered } from '../../../src/wire/verdicts.ts';

/** Every event is a POST of one line of text. */
export class ToyCodec implements Codec {
  readonly #context: DialectContext;
  readonly #profile: CallProfile = {
    kind: 'message',
    method: 'POST',
    isIdempotent: false,
    timeoutMs: 5_000,
    maxAnswerBytes: 1_000,
    wantsBody: true,
  };

  constructor(context: DialectContext) {
    this.#context = context;
  }

  encodeOpen({ party }: OpenEvent): BackendCall {
    const { toyColour, toyPatienceMs } = this.#context.values as { toyColour: string; toyPatienceMs: number };
    return this.#call(`open ${party.id} ${toyColour} ${toyPatienceMs}`);
  }

  decodeOpen(_event: OpenEvent, result: BackendResult): ReturnType<Codec['decodeOpen']> {
    if (result.type === 'failure') return unanswered(result);
    if (result.status !== 200) return refused(403, 'FORBIDDEN', 'no');
    return { type: 'accepted', tags: null, data: null, subprotocol: null, message: null, headers: [] };
  }

  encodeMessage({ data }: MessageEvent): BackendCall {
    return this.#call(`message ${data.toString()}`);
  }

  decodeMessage(): typeof DELIVERED {
    return DELIVERED;
  }

  encodeClose({ code }: CloseEvent): BackendCall {
    return this.#call(`close ${code}`);
  }

  decodeClose(_event: CloseEvent, result: BackendResult): ReturnType<typeof closeVerdict> {
    return closeVerdict(result);
  }

  #call(body: string): BackendCall {
    return { profile: this.#profile, path: this.#context.backendPath, headers: [], body };
  }
}
