import {
  CLOSE_DELIVERED,
  DELIVERED,
  type CloseEvent,
  type CloseVerdict,
  type MessageEvent,
  type MessageVerdict,
  type OpenEvent,
  type OpenVerdict,
} from '../../core/events.ts';
import type { Limits } from '../../core/limits.ts';
import type { Backend, Receiver } from '../../core/ports.ts';
import type { EntryCodec } from '../../wire/entries.ts';
import { refused } from '../../wire/verdicts.ts';
import type { Writing } from './held.ts';
import type { Names } from './names.ts';
import type { Outlet } from './outlet.ts';

export type StreamBackendOptions = {
  readonly codec: EntryCodec;
  readonly names: Names;
  readonly outlet: Pick<Outlet, 'write'>;
  readonly limits: Pick<Limits, 'openTimeoutMs' | 'backendTimeoutMs'>;
};

type AnyEvent = OpenEvent | MessageEvent | CloseEvent;

/** A broker takes what clients did: each event becomes one entry, and is answered once that is stored. It refuses nobody. */
export class StreamBackend implements Backend {
  readonly #options: StreamBackendOptions;

  constructor(options: StreamBackendOptions) {
    this.#options = options;
  }

  open(event: OpenEvent, waitUntil: number): Promise<OpenVerdict> {
    const { codec, limits, outlet } = this.#options;
    return new Promise((resolve) => {
      const receiver = { settled: (writing: Writing) => resolve(openVerdict(writing)) };
      const [name, entry] = [this.#nameFor(event), codec.open(event)];
      outlet.write({ name, entry, receiver, waitUntil, timeoutMs: limits.openTimeoutMs, isRepeatable: false });
    });
  }

  message(event: MessageEvent, receiver: Receiver<MessageVerdict>, waitUntil: number): void {
    const { codec, limits, outlet } = this.#options;
    outlet.write({
      name: this.#nameFor(event),
      entry: codec.message(event),
      receiver: new MessageWriting(receiver),
      waitUntil,
      timeoutMs: limits.backendTimeoutMs,
      isRepeatable: true,
    });
  }

  close(event: CloseEvent, receiver: Receiver<CloseVerdict>, waitUntil: number): void {
    const { codec, limits, outlet } = this.#options;
    const told = { settled: (writing: Writing) => receiver.settled(closeVerdict(writing)) };
    const [name, entry] = [this.#nameFor(event), codec.close(event)];
    outlet.write({ name, entry, receiver: told, waitUntil, timeoutMs: limits.backendTimeoutMs, isRepeatable: true });
  }

  /** The broker's connection is not this route's alone; who made it ends it, and with it what is still out. */
  stop(): Promise<void> {
    return Promise.resolve();
  }

  #nameFor(event: AnyEvent): string {
    const { codec, names } = this.#options;
    return names.isConstant ? names.standard : names.of(codec.variables(event));
  }
}

/** One message on its way. A class, because a closure for each message costs more. */
class MessageWriting implements Receiver<Writing> {
  readonly #receiver: Receiver<MessageVerdict>;

  constructor(receiver: Receiver<MessageVerdict>) {
    this.#receiver = receiver;
  }

  settled(writing: Writing): void {
    this.#receiver.settled(writing.type === 'stored' ? DELIVERED : { type: 'retry', afterMs: null, because: writing.because });
  }
}

const COME_AGAIN_MS = 1_000;

/**
 * Accepted once its entry is stored. Where nobody knows whether it is, the client is refused and a `close` entry follows
 * (docs/guarantees.md#g3-one-close-for-every-accepted-open-none-for-a-refused-one).
 */
function openVerdict(writing: Writing): OpenVerdict {
  if (writing.type === 'stored') return ACCEPTED;
  const { reason, because, wasSent } = writing;
  const refusal =
    reason === 'timeout'
      ? refused(504, 'GATEWAY_TIMEOUT', 'the broker did not answer in time')
      : refused(502, 'BAD_GATEWAY', reason === 'declined' ? 'the broker did not take the event' : 'the broker could not be asked');
  const failed = { ...refusal, failure: { reason: reason === 'declined' ? 'bad-answer' : reason, because } };
  return wasSent ? { ...failed, wasAccepted: true, endReason: 'open unanswered' } : { ...failed, retryAfterMs: COME_AGAIN_MS };
}

const ACCEPTED: OpenVerdict = { type: 'accepted', tags: null, data: null, subprotocol: null, message: null, headers: [] };

function closeVerdict(writing: Writing): CloseVerdict {
  return writing.type === 'stored' ? CLOSE_DELIVERED : { type: 'retry', afterMs: null, because: writing.because };
}
