import type { CloseEvent, CloseVerdict, OpenEvent, OpenVerdict } from './events.ts';
import type { Backend, Receiver } from './ports.ts';

type LifeOf = Pick<Backend, 'open' | 'close'>;

/**
 * One backend decides who gets in, another hears of those that did, with the tags and the data that they got, and of their
 * ends: for a backend that can refuse nobody.
 */
export class Gatekeeper implements LifeOf {
  readonly #keeper: Pick<Backend, 'open'>;
  readonly #inner: LifeOf;

  constructor(keeper: Pick<Backend, 'open'>, inner: LifeOf) {
    this.#keeper = keeper;
    this.#inner = inner;
  }

  async open(event: OpenEvent, waitUntil: number): Promise<OpenVerdict> {
    const verdict = await this.#keeper.open(event, waitUntil);
    if (verdict.type === 'refused') return verdict;
    const { party, request } = event;
    const tags = new Map([...request.tags, ...(verdict.tags ?? [])].filter(([, value]) => value !== ''));
    const admitted = party.with({ tags, data: verdict.data, subprotocol: verdict.subprotocol ?? request.subprotocol });
    const taken = await this.#inner.open({ ...event, party: admitted }, waitUntil);
    if (taken.type === 'accepted') return verdict;
    return { ...taken, wasAccepted: true, endReason: taken.endReason ?? taken.message }; // the keeper believes that the client is in
  }

  close(event: CloseEvent, receiver: Receiver<CloseVerdict>, waitUntil: number): void {
    this.#inner.close(event, receiver, waitUntil);
  }
}
