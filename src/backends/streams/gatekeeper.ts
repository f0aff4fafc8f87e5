import type { CloseEvent, CloseVerdict, MessageEvent, MessageVerdict, OpenEvent, OpenVerdict } from '../../core/events.ts';
import type { Backend, Receiver } from '../../core/ports.ts';

/**
 * A stream refuses nobody: another backend decides who gets in, and of those that it accepts the stream is told, with the
 * tags and the data that it gave them. Everything else goes to the stream.
 */
export class Gatekeeper implements Backend {
  readonly #keeper: Pick<Backend, 'open'>;
  readonly #stream: Backend;

  constructor(keeper: Pick<Backend, 'open'>, stream: Backend) {
    this.#keeper = keeper;
    this.#stream = stream;
  }

  async open(event: OpenEvent, waitUntil: number): Promise<OpenVerdict> {
    const verdict = await this.#keeper.open(event, waitUntil);
    if (verdict.type === 'refused') return verdict;
    const { party, request } = event;
    const tags = new Map([...request.tags, ...(verdict.tags ?? [])].filter(([, value]) => value !== ''));
    const known = party.with({ tags, data: verdict.data, subprotocol: verdict.subprotocol ?? request.subprotocol });
    const stored = await this.#stream.open({ ...event, party: known }, waitUntil);
    if (stored.type === 'accepted') return verdict;
    return { ...stored, wasAccepted: true, endReason: stored.endReason ?? stored.message }; // the keeper has let it in
  }

  message(event: MessageEvent, receiver: Receiver<MessageVerdict>, waitUntil: number): void {
    this.#stream.message(event, receiver, waitUntil);
  }

  close(event: CloseEvent, receiver: Receiver<CloseVerdict>, waitUntil: number): void {
    this.#stream.close(event, receiver, waitUntil);
  }

  stop(): Promise<void> {
    return this.#stream.stop();
  }
}
