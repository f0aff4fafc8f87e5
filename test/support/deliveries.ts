import { Arrivals } from './arrivals.ts';
import type { Call } from './backend.ts';

type Heard = { readonly number: number; readonly eventId: string };

/**
 * What a backend hears of messages `<client>/<number>`, checked while it comes: each client's numbers in order, and a
 * repeat only of the last one, with an equal event id and an equal body (G1, G2).
 */
export class Deliveries {
  readonly faults: string[] = [];
  repeats = 0;
  /** The first call of each message that the backend says it took. */
  readonly taken = new Arrivals<string>();
  readonly #last = new Map<string, Heard>();
  readonly #eventIds = new Set<string>();
  readonly #taken = new Set<string>();

  hear({ text, headers }: Call): void {
    const eventId = String(headers['ws-event-id']);
    const [client = '', number] = text.split('/');
    const came = { number: Number(number), eventId };
    const last = this.#last.get(client) ?? { number: 0, eventId: '' };
    if (came.number === last.number && came.eventId === last.eventId) {
      this.repeats += 1;
      return;
    }
    if (came.number !== last.number + 1) this.faults.push(`after ${client}/${last.number} (${last.eventId}) came ${text} (${eventId})`);
    if (this.#eventIds.has(eventId)) this.faults.push(`${text} has the event id ${eventId} of an earlier message`);
    if (Number(headers['ws-seq']) !== came.number) this.faults.push(`${text} has WS-Seq ${String(headers['ws-seq'])}`);
    this.#eventIds.add(eventId);
    this.#last.set(client, came);
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
