import type { Client, Handlers, Handshake } from '../../src/index.ts';
import type { BackendAnswer, BackendCall, BackendFailure, BackendResult, CallKind, Transport } from '../../src/wire/calls.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Receiver } from '../../src/core/ports.ts';
import { SAMPLE_PROFILE } from '../contracts/samples.ts';
import type { VirtualClock } from './virtual-clock.ts';
import { takesClose, takesMessage } from './weather.ts';

type Options = { readonly clock: VirtualClock; readonly limits: Limits; readonly reply: boolean };

const FAILED: BackendFailure = { type: 'failure', reason: 'reset', wasSent: false, detail: 'thrown' };

/** Weather as handlers have it: they throw, or never end. Nobody tells them when to come again. */
export class Inside implements Transport {
  readonly #inner: Transport;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  call(call: BackendCall, receiver: Receiver<BackendResult>, waitUntil: number): void {
    this.#inner.call(call, { settled: (result) => receiver.settled(insideOf(result)) }, waitUntil);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

function insideOf(result: BackendResult): BackendResult {
  if (result.type === 'failure') return result.reason === 'timeout' ? result : FAILED;
  return result.status >= 502 && result.status <= 504 ? FAILED : result;
}

/** Handlers that do what a simulated backend answers, before the eyes of the same witness. */
export function handlersOver(witness: Transport, { clock, limits, reply }: Options): Handlers<number> {
  /** Resolves to the answer, rejects for a failure; what is over its time fails a moment later. */
  function ask(
    kind: CallKind,
    { id, headers, body }: { readonly id: string; readonly headers: string[]; readonly body: string },
  ): Promise<BackendAnswer> {
    const profile = { ...SAMPLE_PROFILE, kind, timeoutMs: kind === 'open' ? limits.openTimeoutMs : limits.backendTimeoutMs };
    return new Promise((resolve, reject) => {
      const settled = (result: BackendResult): void => {
        if (result.type === 'answer') resolve(result);
        else if (result.reason === 'timeout') clock.after(5, () => reject(new Error('too late')));
        else reject(new Error(result.detail));
      };
      witness.call({ profile, path: '/', headers: ['ws-event', kind, 'ws-connection', id, ...headers], body }, { settled }, Infinity);
    });
  }

  return {
    async onOpen(client: Client<number>, { path }: Handshake) {
      client.data = 0;
      const answer = await ask('open', { id: client.id, headers: numbered(client.id, 0), body: JSON.stringify({ path }) });
      if (answer.status < 200 || answer.status > 299) return { refuse: answer.status };
      const { code, tags, message } = JSON.parse(answer.body.toString()) as {
        code: string;
        tags?: Record<string, string>;
        message?: string;
      };
      return code === 'OK' ? { tags, message } : { refuse: 403 };
    },
    async onMessage(client, data) {
      client.data = (client.data ?? 0) + 1;
      const answer = await ask('message', { id: client.id, headers: numbered(client.id, client.data), body: String(data) });
      if (!takesMessage(answer)) throw new Error('not taken');
      if (reply && answer.status < 300 && answer.body.length > 0) client.send(answer.body.toString());
    },
    async onClose(client, code) {
      const headers = ['ws-event-id', `${client.id}.close`, 'ws-close-code', String(code)];
      const answer = await ask('close', { id: client.id, headers, body: String(code) });
      if (!takesClose(answer)) throw new Error('not taken');
    },
  };
}

function numbered(id: string, seq: number): string[] {
  return ['ws-seq', String(seq), 'ws-event-id', `${id}.${seq}`];
}
