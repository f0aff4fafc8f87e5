import { Arrivals } from './arrivals.ts';
import type { Call } from './backend.ts';

type Options = {
  /** Where calls time out, one that was given up may reach the backend after the next one. */
  readonly mayOverlap?: boolean;
};

/**
 * What a backend hears of messages `<client>/<number>`, checked while it comes: each client's numbers in order, and a
 * repeat only of the last one, with an equal event id (G1, G2).
 */
export class Deliveries {
  readonly faults: string[] = [];
  repeats = 0;
  /** The first call of each message that the backend says it took. */
  readonly taken = new Arrivals<string>();
  readonly #mayOverlap: boolean;
  readonly #lastNumbers = new Map<string, number>();
  readonly #textByEventId = new Map<string, string>();
  readonly #taken = new Set<string>();

  constructor({ mayOverlap = false }: Options = {}) {
    this.#mayOverlap = mayOverlap;
  }

  hear({ text, headers }: Call): void {
    const eventId = String(headers['ws-event-id']);
    const [client = '', number] = text.split('/');
    const last = this.#lastNumbers.get(client) ?? 0;
    if (this.#textByEventId.get(eventId) === text && (Number(number) === last || this.#mayOverlap)) {
      this.repeats += 1;
      return;
    }
    if (Number(number) !== last + 1) this.faults.push(`after ${client}/${last} came ${text} (${eventId})`);
    if (this.#textByEventId.has(eventId)) this.faults.push(`${text} has the event id ${eventId} of an earlier call`);
    if (headers['ws-seq'] !== number) this.faults.push(`${text} has WS-Seq ${String(headers['ws-seq'])}`);
    this.#textByEventId.set(eventId, text);
    this.#lastNumbers.set(client, Number(number));
  }

  /** The backend has answered this call with 200, in time. */
  take({ text }: Call): void {
    if (this.#taken.has(text)) return;
    this.#taken.add(text);
    this.taken.add(text);
  }

  /** Messages of this client that were taken. */
  countOf(client: string): number {
    let number = 0;
    while (this.#taken.has(`${client}/${number + 1}`)) number += 1;
    return number;
  }
}
