import { headerOf, retryAfterMs, type BackendCall, type BackendResult, type Transport } from '../../src/wire/calls.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Receiver } from '../../src/core/ports.ts';
import type { Attempts, Record, Truth } from './truth.ts';
import type { VirtualClock } from './virtual-clock.ts';
import { OPEN_OK, takesClose, takesMessage, UNUSABLE } from './weather.ts';

type Options = {
  readonly clock: VirtualClock;
  readonly record: Record;
  readonly limits: Limits;
  readonly openConcurrency: number;
  readonly closeConcurrency: number;
  readonly reply: boolean;
  readonly isInLedger: (key: string) => boolean;
  /** The backend hears of a client; it may push from now on. */
  readonly heard: (truth: Truth, timeoutMs: number) => void;
  readonly bufferedBytes: (truth: Truth) => number;
};

/** The least that the jittered back-off may be (docs/contract.md#repetitions). */
const LEAST_BACK_OFF_MS = 100;

/** Stands before the backend, sees every call as core makes it, and holds it against docs/guarantees.md. */
export class Witness implements Transport {
  readonly truths: Truth[] = [];
  readonly #byId = new Map<string, Truth>();
  readonly #inner: Transport;
  readonly #options: Options;
  #opens = 0;
  #closes = 0;

  constructor(inner: Transport, options: Options) {
    this.#inner = inner;
    this.#options = options;
  }

  call(call: BackendCall, receiver: Receiver<BackendResult>, waitUntil: number): void {
    const event = header(call, 'ws-event');
    const settled = event === 'open' ? this.#open(call) : event === 'message' ? this.#message(call) : this.#close(call);
    this.#inner.call(
      call,
      {
        settled: (result) => {
          settled(result);
          receiver.settled(result);
        },
      },
      waitUntil,
    );
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #open(call: BackendCall): (result: BackendResult) => void {
    const { record, openConcurrency, isInLedger, heard } = this.#options;
    const { path } = JSON.parse(String(call.body)) as { path: string };
    const truth = this.truths[Number(path.slice(1))] as Truth;
    const id = header(call, 'ws-connection');
    record.note(truth, 'open is asked');
    if (truth.opening !== 'unasked') record.violate('G3', truth, 'is asked about twice');
    if (header(call, 'ws-seq') !== '0') record.violate('G2', truth, `open has WS-Seq ${header(call, 'ws-seq')}`);
    if (!isInLedger(id)) record.violate('G3', truth, 'is not in the ledger when the backend is asked');
    truth.opening = 'asked';
    truth.id = id;
    this.#byId.set(id, truth);
    this.#nameEvent(truth, call, 'open');
    this.#opens += 1;
    if (this.#opens > openConcurrency) record.violate('G5', truth, `is one of ${this.#opens} open calls at once`);
    heard(truth, call.profile.timeoutMs);
    return (result) => {
      this.#opens -= 1;
      truth.opening = openVerdict(result);
      record.count(`open ${truth.opening}`);
      record.note(truth, `open is ${truth.opening}`);
      if (truth.opening === 'accepted' && result.type === 'answer')
        truth.verdictMessage = (JSON.parse(result.body.toString()) as { message?: string }).message ?? null;
      if (truth.opening !== 'accepted') truth.phase = 'gone';
      if (truth.opening === 'unusable' || truth.opening === 'unanswered') truth.endCode = 1006;
    };
  }

  #message(call: BackendCall): (result: BackendResult) => void {
    const { clock, record, limits, reply } = this.#options;
    const truth = this.#truthOf(call);
    const attempts = truth.message;
    const seq = Number(header(call, 'ws-seq'));
    const body = String(call.body);
    record.note(truth, `message ${seq} is sent up`);
    if (truth.opening !== 'accepted') record.violate('G2', truth, 'has a message before its open is answered');
    if (attempts.isRunning) record.violate('G2', truth, `has message ${seq} on its way beside ${attempts.seq}`);
    if (truth.close.count > 0) record.violate('G2', truth, `has message ${seq} after its close event`);
    if (seq !== truth.delivered + 1) record.violate('G2', truth, `has message ${seq} on its way when ${truth.delivered + 1} is due`);
    if (body !== truth.received[seq - 1]) record.violate('G1', truth, `has message ${seq} as ${body}, sent was ${truth.received[seq - 1]}`);
    if (seq !== attempts.seq) attempts.begin(seq, clock.now(), body);
    else this.#again(truth, attempts, 'message retried');
    this.#nameEvent(truth, call, `message ${seq}`);
    attempts.count += 1;
    attempts.isRunning = true;
    return (result) => {
      attempts.isRunning = false;
      if (!takesMessage(result)) {
        this.#failed(attempts, result);
        return;
      }
      truth.delivered += 1;
      record.count('message delivered');
      if (reply && result.type === 'answer' && result.status < 300 && result.body.length > 0 && truth.phase === 'open') {
        const buffered = this.#options.bufferedBytes(truth);
        const fits = buffered === 0 || buffered + result.body.length <= limits.sendBufferBytes;
        if (fits) truth.expectedFrames.push(result.body.toString());
        record.count(fits ? 'reply' : 'reply too much for a slow client');
      }
    };
  }

  #close(call: BackendCall): (result: BackendResult) => void {
    const { clock, record, closeConcurrency } = this.#options;
    const truth = this.#truthOf(call);
    const attempts = truth.close;
    record.note(truth, `close is told, code ${header(call, 'ws-close-code')}`);
    if (truth.opening !== 'accepted' && truth.opening !== 'unusable' && truth.opening !== 'unanswered')
      record.violate('G3', truth, `was ${truth.opening}, and its close is told`);
    if (truth.phase !== 'gone') record.violate('G3', truth, 'is still there when its close is told');
    if (truth.isCloseTaken) record.violate('G3', truth, 'has its close told again after the backend took it');
    if (attempts.isRunning) record.violate('G3', truth, 'has its close told twice at once');
    if (truth.message.isRunning) record.violate('G2', truth, 'has its close told while a message is on its way');
    const seq = header(call, 'ws-seq');
    if (seq !== '' && seq !== String(truth.received.length + 1))
      // handlers are not told of numbers
      record.violate('G2', truth, `has close as event ${seq} after ${truth.received.length} messages`);
    if (Number(header(call, 'ws-close-code')) !== truth.endCode)
      record.violate('G3', truth, `has close told with ${header(call, 'ws-close-code')}, it ended with ${truth.endCode}`);
    if (attempts.count === 0) attempts.begin(-1, clock.now(), String(call.body));
    else this.#again(truth, attempts, 'close retried');
    if (attempts.body !== String(call.body)) record.violate('G3', truth, 'has a close event that changes');
    this.#nameEvent(truth, call, 'close');
    attempts.count += 1;
    attempts.isRunning = true;
    this.#closes += 1;
    if (this.#closes > closeConcurrency) record.violate('G5', truth, `is one of ${this.#closes} close calls at once`);
    return (result) => {
      this.#closes -= 1;
      attempts.isRunning = false;
      truth.isCloseTaken = takesClose(result);
      if (!truth.isCloseTaken) this.#failed(attempts, result);
    };
  }

  #failed(attempts: Attempts, result: BackendResult): void {
    attempts.failedAt = this.#options.clock.now();
    attempts.retryAfterMs = retryAfterMs(result, attempts.failedAt);
  }

  #again(truth: Truth, attempts: Attempts, what: string): void {
    const { clock, record, limits } = this.#options;
    record.count(what);
    const waited = clock.now() - attempts.failedAt;
    const least = Math.max(attempts.retryAfterMs ?? 0, LEAST_BACK_OFF_MS);
    const [since, forMs] =
      what === 'close retried'
        ? [Math.min(truth.endedAt, attempts.firstAt), limits.closeRetryForMs]
        : [attempts.firstAt, limits.backendRetryForMs];
    const isLast = clock.now() >= since + forMs - 1e-3; // a close event's time begins with the end, though it may wait for its turn
    if (waited < least - 1e-3 && !isLast) record.violate('back-off', truth, `${what} after ${waited} ms, at least ${least} were wanted`);
  }

  /** An event's id is its own, and the same on every retry. */
  #nameEvent(truth: Truth, call: BackendCall, event: string): void {
    const id = header(call, 'ws-event-id');
    const before = truth.eventIds.get(event);
    if (before === undefined && [...truth.eventIds.values()].includes(id))
      this.#options.record.violate('G3', truth, `has the event id ${id} twice`);
    if (before !== undefined && before !== id) this.#options.record.violate('G3', truth, `${event} changes its id from ${before} to ${id}`);
    truth.eventIds.set(event, id);
  }

  #truthOf(call: BackendCall): Truth {
    const truth = this.#byId.get(header(call, 'ws-connection'));
    if (truth === undefined) throw new Error(`a call speaks of ${header(call, 'ws-connection')}, of whom the backend never heard`);
    return truth;
  }
}

function openVerdict(result: BackendResult): Truth['opening'] {
  if (result.type === 'failure') return result.wasSent ? 'unanswered' : 'refused'; // it may have accepted
  if (result.status < 200 || result.status > 299) return 'refused';
  const body = result.body.toString();
  if (!body.includes(OPEN_OK)) return 'refused';
  return body.includes(UNUSABLE) ? 'unusable' : 'accepted';
}

function header(call: BackendCall, name: string): string {
  return headerOf(call, name) ?? '';
}
