import { StreamBackend } from '../../src/backends/streams/backend.ts';
import { Names } from '../../src/backends/streams/names.ts';
import { Outlet } from '../../src/backends/streams/outlet.ts';
import type { CloseEvent, MessageEvent, OpenEvent } from '../../src/core/events.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Backend, Clock, Log, Receiver } from '../../src/core/ports.ts';
import { StreamCodec } from '../../src/dialects/stream/codec.ts';
import type { BackendResult, CallKind, Transport } from '../../src/wire/calls.ts';
import { eventIdOf } from '../../src/wire/event-ids.ts';
import { readNameTemplate, type NameTemplate } from '../../src/wire/name-template.ts';
import { Meter } from '../../src/core/meter.ts';
import { SAMPLE_PROFILE } from '../contracts/samples.ts';
import type { SimulatedBroker } from './simulated-broker.ts';
import { OPEN_OK } from './weather.ts';

type Options = { readonly broker: SimulatedBroker; readonly clock: Clock; readonly log: Log; readonly limits: Limits };
type AnyEvent = OpenEvent | MessageEvent | CloseEvent;

/** The gateway's own way to a broker, which is a simulated one. */
export function streamBackend({ broker, clock, log, limits }: Options): Backend {
  const outlet = new Outlet({ name: 'simulated', connect: () => Promise.resolve(broker), clock, log, observer: new Meter() });
  outlet.open();
  const names = new Names({ template: readNameTemplate('s') as NameTemplate, most: 10, reserved: new Set(), log });
  return new StreamBackend({ codec: new StreamCodec({ route: '/*', includeTags: null, jsonPaths: new Map() }), names, outlet, limits });
}

const YES: BackendResult = { type: 'answer', status: 200, headers: {}, body: Buffer.from(`{${OPEN_OK}}`) };
const failed = (wasSent: boolean): BackendResult => ({ type: 'failure', reason: 'reset', wasSent, detail: 'not stored' });

type Settled = (result: BackendResult) => void;
type Run = (settled: Settled) => void;

/** Stands behind the witness: what is asked of it is asked of the backend, and a verdict is told as the result that it comes to. */
export class Verdicts implements Transport {
  readonly #running = new WeakMap<object, Run>();

  /** The witness sees each event as a call, and both verdicts and events pass as they are. */
  watched(inner: Backend, witness: Transport, limits: Limits): Backend {
    const pass = (event: AnyEvent, waitUntil: number, run: Run): void => {
      const call = { profile: profileOf(event.type, limits), path: '/', headers: headersOf(event), body: bodyOf(event) };
      this.#running.set(call, run);
      witness.call(call, { settled: () => {} }, waitUntil);
    };
    return {
      open: (event, waitUntil) =>
        new Promise((resolve) =>
          pass(event, waitUntil, (settled) => {
            void inner.open(event, waitUntil).then((verdict) => {
              settled(verdict.type === 'accepted' ? YES : failed(verdict.wasAccepted === true));
              resolve(verdict);
            });
          }),
        ),
      message: (event, receiver, waitUntil) =>
        pass(event, waitUntil, (settled) => inner.message(event, seen(receiver, settled), waitUntil)),
      close: (event, receiver, waitUntil) => pass(event, waitUntil, (settled) => inner.close(event, seen(receiver, settled), waitUntil)),
      stop: () => inner.stop(),
    };
  }

  call(call: object, receiver: Receiver<BackendResult>): void {
    this.#running.get(call)?.((result) => receiver.settled(result));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The witness first: what follows from a verdict it must not see before. */
function seen<Verdict extends { readonly type: string }>(receiver: Receiver<Verdict>, settled: Settled): Receiver<Verdict> {
  return {
    settled(verdict) {
      settled(verdict.type === 'delivered' ? YES : failed(true));
      receiver.settled(verdict);
    },
  };
}

function profileOf(kind: CallKind, { openTimeoutMs, backendTimeoutMs }: Limits) {
  return { ...SAMPLE_PROFILE, kind, timeoutMs: kind === 'open' ? openTimeoutMs : backendTimeoutMs };
}

function headersOf(event: AnyEvent): string[] {
  const headers = ['ws-event', event.type, 'ws-connection', event.party.id, 'ws-event-id', eventIdOf(event)];
  if (event.type === 'close') return [...headers, 'ws-seq', String(event.seq), 'ws-close-code', String(event.code)];
  return [...headers, 'ws-seq', String(event.type === 'open' ? 0 : event.seq)];
}

function bodyOf(event: AnyEvent): string {
  return event.type === 'message' ? String(event.data) : event.type === 'open' ? JSON.stringify({ path: event.party.path }) : '';
}
