import type { CloseEvent, CloseVerdict, MessageEvent, MessageVerdict, OpenEvent, OpenVerdict } from '../../core/events.ts';
import type { Backend, Clock, Log, Receiver } from '../../core/ports.ts';
import { type BackendResult, retryAfterMs, type Transport } from '../../wire/calls.ts';
import type { Codec, HttpSpeech, LifeCodec } from '../../wire/codec.ts';
import { explained } from '../../wire/open-failures.ts';
import { refused } from '../../wire/verdicts.ts';
import { createInboxes } from '../../core/inbox.ts';
import type { IntakeFactory } from '../../core/intake.ts';
import { eventIdsOf } from '../../core/party.ts';
import type { Limits } from '../../core/limits.ts';
import type { Transports } from './transports.ts';

export type HttpBackendOptions<Spoken extends LifeCodec> = {
  readonly codec: Spoken;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
};

type HttpSpoken = { readonly url: URL | null; readonly speech: HttpSpeech; readonly limits: Limits };

/** The part of a backend that hears of begin and end: for dialects that bring their own intake for what is between. */
export type LifeBackend = Omit<Backend, 'message'>;

/** A dialect's codec on a transport: each event is encoded, called and decoded here, and nowhere else. */
export class HttpLifeBackend<Spoken extends LifeCodec = LifeCodec> implements LifeBackend {
  protected readonly options: HttpBackendOptions<Spoken>;

  constructor(options: HttpBackendOptions<Spoken>) {
    this.options = options;
  }

  open(event: OpenEvent, waitUntil: number): Promise<OpenVerdict> {
    const { codec, transport } = this.options;
    return new Promise((resolve) => {
      transport.call(codec.encodeOpen(event), { settled: (result) => resolve(this.#decodeOpen(event, result)) }, waitUntil);
    });
  }

  close(event: CloseEvent, receiver: Receiver<CloseVerdict>, waitUntil: number): void {
    const { codec, transport } = this.options;
    transport.call(codec.encodeClose(event), { settled: (result) => receiver.settled(this.#decodeClose(event, result)) }, waitUntil);
  }

  stop(): Promise<void> {
    return this.options.transport.close();
  }

  #decodeOpen(event: OpenEvent, result: BackendResult): OpenVerdict {
    try {
      const verdict = this.options.codec.decodeOpen(event, result);
      return verdict.type === 'refused' ? explained(verdict, result) : verdict;
    } catch (error) {
      this.options.log.error({ err: error, ...eventIdsOf(event.party, 0) }, 'the answer to open could not be read');
      return explained(refused(502, 'BAD_GATEWAY', 'the backend gave an answer that cannot be read'), result);
    }
  }

  #decodeClose(event: CloseEvent, result: BackendResult): CloseVerdict {
    try {
      return withRetryAfter(this.options.codec.decodeClose(event, result), result, this.options.clock);
    } catch (error) {
      this.options.log.error({ err: error, ...eventIdsOf(event.party, 'close') }, 'the answer to a close event could not be read');
      return { type: 'retry', afterMs: null, because: 'unreadable answer' };
    }
  }
}

/** The same for dialects whose messages are opaque. */
export class HttpBackend extends HttpLifeBackend<Codec> implements Backend {
  message(event: MessageEvent, receiver: Receiver<MessageVerdict>, waitUntil: number): void {
    const { codec, transport } = this.options;
    transport.call(codec.encodeMessage(event), new MessageCall(event, receiver, this.options), waitUntil);
  }
}

/** One message on its way. A class, because a closure for each message costs more. */
class MessageCall implements Receiver<BackendResult> {
  readonly #event: MessageEvent;
  readonly #receiver: Receiver<MessageVerdict>;
  readonly #options: HttpBackendOptions<Codec>;

  constructor(event: MessageEvent, receiver: Receiver<MessageVerdict>, options: HttpBackendOptions<Codec>) {
    this.#event = event;
    this.#receiver = receiver;
    this.#options = options;
  }

  settled(result: BackendResult): void {
    this.#receiver.settled(this.#decode(result));
  }

  #decode(result: BackendResult): MessageVerdict {
    const { codec, clock, log } = this.#options;
    try {
      return withRetryAfter(codec.decodeMessage(this.#event, result), result, clock);
    } catch (error) {
      log.error({ err: error, ...eventIdsOf(this.#event.party, this.#event.seq) }, 'the answer to a message could not be read');
      return { type: 'delivered', reply: null, complaint: 'unreadable answer' };
    }
  }
}

/** The answer's `Retry-After`, where the codec has not said how long to wait. */
function withRetryAfter<Verdict extends MessageVerdict | CloseVerdict>(verdict: Verdict, result: BackendResult, clock: Clock): Verdict {
  if (verdict.type !== 'retry' || verdict.afterMs !== null) return verdict;
  const afterMs = retryAfterMs(result, clock.date());
  return afterMs === null ? verdict : { ...verdict, afterMs };
}

/** Backends that are reached over HTTP: the routes to one origin share its sockets. */
export function openHttp({
  transports,
  clock,
  log,
}: Pick<HttpBackendOptions<never>, 'clock' | 'log'> & { readonly transports: Transports }): {
  readonly serve: (spoken: HttpSpoken) => { readonly backend: LifeBackend; readonly intake: IntakeFactory };
  readonly targets: readonly string[];
  readonly close: () => Promise<void>;
} {
  return {
    serve({ url, speech, limits }) {
      if (url === null) throw new TypeError('a backend over HTTP needs a URL of HTTP'); // routes/checks.ts has checked it
      const transport = transports.to(url.origin);
      if (speech.intake !== null) {
        return { backend: new HttpLifeBackend({ codec: speech.codec, transport, clock, log }), intake: speech.intake(transport) };
      }
      const backend = new HttpBackend({ codec: speech.codec, transport, clock, log });
      return { backend, intake: createInboxes({ backend, limits }) };
    },
    get targets() {
      return transports.origins;
    },
    close: () => Promise.resolve(), // the sockets are shared
  };
}
