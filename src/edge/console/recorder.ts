import type { CloseEvent, CloseVerdict, MessageEvent, MessageVerdict, Refusal } from '../../core/events.ts';
import type { Attempt, Life, Listener } from '../../core/observer.ts';
import type { Clock } from '../../core/ports.ts';
import type { Sighting } from '../../core/sightings.ts';
import { Ring } from './ring.ts';
import { answeredSighting, closedSighting, refusedSighting } from './sighting.ts';

/** Of refused clients and failed calls. */
const FAILURES = 1_000;

export type RecorderOptions = { readonly clock: Clock; /** How many ends are kept. */ readonly ends: number };

/** Remembers, whether anybody watches or not, why the last connections ended and what failed. Of what goes well it hears nothing. */
export class Recorder implements Listener {
  readonly #clock: Clock;
  readonly #ends: Ring<Sighting & { type: 'closed' }>;
  readonly #failures = new Ring<Sighting>(FAILURES);

  constructor({ clock, ends }: RecorderOptions) {
    this.#clock = clock;
    this.#ends = new Ring(ends);
  }

  ends(limit: number, id: string | null, code: number | null): Sighting[] {
    return this.#ends.last(limit, (end) => (id === null || end.id === id) && (code === null || end.code === code));
  }

  failures(limit: number): Sighting[] {
    return this.#failures.last(limit);
  }

  refused(refusal: Refusal, attempt: Attempt): void {
    this.#failures.add(refusedSighting(refusal, attempt, this.#times(attempt.askedAt)));
  }

  failed(event: MessageEvent | CloseEvent, verdict: MessageVerdict | CloseVerdict, askedAt: number): void {
    this.#failures.add(answeredSighting(event, verdict, { ...this.#times(askedAt), payload: null }));
  }

  closed(event: CloseEvent, life: Life | null): void {
    const end = closedSighting(event, life, this.#clock.date());
    if (end.type === 'closed') this.#ends.add(end);
  }

  #times(askedAt: number): { readonly at: number; readonly ms: number } {
    return { at: this.#clock.date(), ms: rounded(this.#clock.now() - askedAt) };
  }
}

/** To a hundredth of a millisecond. */
export function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
