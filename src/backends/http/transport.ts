import { buildConnector, Client, type Dispatcher } from 'undici';
import {
  headerOf,
  type AnswerHeaders,
  type BackendCall,
  type BackendResult,
  type FailureReason,
  type Signer,
  type Transport,
} from '../../wire/calls.ts';
import { Deadlines, type Expiring } from '../../core/deadlines.ts';
import type { Observer } from '../../core/observer.ts';
import type { Receiver } from '../../core/ports.ts';
import { systemClock } from '../../core/system-clock.ts';
import type { PartyHeaders } from '../../wire/party-headers.ts';
import type { Timings } from '../../core/timings.ts';
import { Lines, READ_PAST_STREAMS, TurnWrites, type Line, type Passenger } from './lines.ts';

export type HttpTransportOptions = {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Sockets to this origin. */
  readonly connections: number;
  /** Calls on one socket whose answers are still out; 1 keeps a hanging call from delaying any other. */
  readonly pipelining: number;
  readonly observer: Observer;
  readonly timings: Timings;
  /** Signs every call as it is sent; null: nothing does. */
  readonly signer?: Signer | null;
};

/** The backend over HTTP/1.1, by undici's `dispatch`: no stream, promise or AbortSignal per call. */
export function createHttpTransport(options: HttpTransportOptions): Transport {
  const writes = new TurnWrites(options.pipelining > 1);
  const clientOptions: Client.Options = {
    pipelining: options.pipelining,
    allowH2: false,
    headersTimeout: 0, // HttpExchange bounds the whole answer itself
    bodyTimeout: 0,
    maxHeaderSize: 65_536,
    connect: writes.on(buildConnector({ allowH2: false, timeout: 10_000, ...(options.origin.startsWith('http:') && READ_PAST_STREAMS) })),
  };
  const lines = new Lines({
    newClient: () => new Client(options.origin, clientOptions),
    connections: options.connections,
    pipelining: options.pipelining,
    handedOver: () => writes.handedOver(),
  });
  const shared: Shared = {
    running: new Map(),
    lines,
    observer: options.observer,
    timings: options.timings,
    signer: options.signer ?? null,
  };
  return {
    call(call, receiver) {
      lines.dispatch(new HttpExchange(call, receiver, shared));
    },
    async close() {
      for (const deadlines of shared.running.values())
        deadlines.endAll((exchange) => (exchange as HttpExchange).fail('stopped', 'the gateway stops'));
      await lines.destroy();
    },
  };
}

type Shared = {
  /** By time-out: there are as many of them as there are options for it. */
  readonly running: Map<number, Deadlines>;
  readonly lines: Lines;
  readonly observer: Observer;
  readonly timings: Timings;
  readonly signer: Signer | null;
};

const STATUS_CLASSES = ['0xx', '1xx', '2xx', '3xx', '4xx', '5xx'];

/** One call on its way: bounds its time and size, and settles its receiver once. */
class HttpExchange implements Passenger, Expiring {
  readonly #call: BackendCall;
  readonly #receiver: Receiver<BackendResult>;
  readonly #shared: Shared;
  readonly #deadlines: Deadlines;
  before: Expiring | null = null;
  after: Expiring | null = null;
  expiresAt = 0;
  line: Line | null = null;
  #controller: Dispatcher.DispatchController | null = null;
  #isSettled = false;
  #status = 0;
  #headers: AnswerHeaders = NO_HEADERS;
  #chunks: Buffer[] | null = null;
  #bytes = 0;

  constructor(call: BackendCall, receiver: Receiver<BackendResult>, shared: Shared) {
    this.#call = call;
    this.#receiver = receiver;
    this.#shared = shared;
    this.#deadlines = deadlinesOf(shared, call.profile.timeoutMs);
    this.#deadlines.add(this);
  }

  get isOver(): boolean {
    return this.#isSettled;
  }

  get partyHeaders(): PartyHeaders | undefined {
    const { partyHeaders } = this.#call;
    return partyHeaders?.text === null ? undefined : partyHeaders;
  }

  /** Read once, when a line is free: the moment in which the call is sent. */
  get options(): Dispatcher.DispatchOptions {
    const { profile, path, body } = this.#call;
    const { signer } = this.#shared;
    const own = signer === null ? this.#call.headers : signer.headersOf(this.#call);
    const { partyHeaders } = this.#call;
    const headers = partyHeaders?.text === null ? [...partyHeaders.list, ...own] : own; // undici says what is wrong with them
    return {
      method: profile.method,
      path,
      headers,
      body,
      idempotent: profile.isIdempotent, // undici pipelines only what it is told it may
      blocking: false,
      reset: false, // else undici closes the socket after a DELETE with a body
    };
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isSettled) controller.abort(new Error('given up before it was sent'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    if (status < 200) return; // informational (RFC 9110 §15.2); the answer follows
    const echoed = headers['ws-event-id'];
    if (echoed !== undefined && echoed !== headerOf(this.#call, 'ws-event-id')) {
      this.fail('reset', 'the answer echoes the WS-Event-Id of another event: it belongs to another call');
      return;
    }
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    const { maxAnswerBytes, wantsBody } = this.#call.profile;
    if (this.#bytes > maxAnswerBytes) this.fail('too-long', `the answer has more than ${maxAnswerBytes} bytes`);
    else if (wantsBody) (this.#chunks ??= []).push(chunk);
  }

  onResponseEnd(): void {
    this.#shared.lines.release(this);
    const chunks = this.#chunks;
    const body = chunks === null ? EMPTY : chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, this.#bytes);
    this.#settle({ type: 'answer', status: this.#status, headers: this.#headers, body });
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#shared.lines.releaseBroken(this);
    if (this.#controller === null) {
      process.nextTick(() => this.fail('unreachable', messageOf(error)));
    } else {
      this.fail('reset', messageOf(error));
    }
  }

  expire(): void {
    this.fail('timeout', 'no whole answer within the time-out');
  }

  fail(reason: FailureReason, detail: string): void {
    if (this.#isSettled) return;
    const wasSent = this.#controller !== null;
    this.#shared.observer.counted('backendFailures', 1);
    this.#settle({ type: 'failure', reason, wasSent, detail });
    this.#controller?.abort(new Error(detail));
  }

  #settle(result: BackendResult): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#deadlines.remove(this);
    const { kind, timeoutMs } = this.#call.profile;
    const end = result.type === 'answer' ? (STATUS_CLASSES[Math.floor(result.status / 100)] ?? 'other') : result.reason;
    this.#shared.timings.took(kind, end, systemClock.now() - (this.expiresAt - timeoutMs));
    this.#receiver.settled(result);
  }
}

const EMPTY = Buffer.alloc(0);
const NO_HEADERS: AnswerHeaders = {};

function deadlinesOf({ running }: Shared, timeoutMs: number): Deadlines {
  let deadlines = running.get(timeoutMs);
  if (deadlines === undefined) {
    deadlines = new Deadlines(systemClock, () => timeoutMs);
    running.set(timeoutMs, deadlines);
  }
  return deadlines;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException; // of several addresses that failed there is only this
  return error.message === '' || (code !== undefined && !error.message.includes(code))
    ? `${code ?? error.name} ${error.message}`.trim()
    : error.message;
}
