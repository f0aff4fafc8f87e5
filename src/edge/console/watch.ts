import type { Party } from '../../core/party.ts';
import type { Sighting, SightingFilter } from '../../core/sightings.ts';

/** Sightings of one watch in a second, and those that wait until they are asked for. Of more, the number is told. */
const PER_SECOND = 200;
const WAITING = 400;
/** What waiting ones may take together, in characters. */
const WAITING_CHARACTERS = 131_072;
/** Of one sighting beside its texts. */
const OVERHEAD = 200;

/** What one of those who watch wants to see of this process, and has not fetched yet. */
export class Watch {
  readonly #filter: SightingFilter;
  #sightings: Sighting[] = [];
  #characters = 0;
  #missed = 0;
  #second = 0;
  #seenInSecond = 0;
  /** When it was asked for last, of `Clock.now`. */
  askedAt = 0;

  constructor(filter: SightingFilter) {
    this.#filter = filter;
  }

  /** One connection alone is watched: then also what was only read is wanted. */
  get isOfOne(): boolean {
    return this.#filter.id !== null;
  }

  /** On the path of every message while anybody watches. */
  wants({ id, route, tags }: Party): boolean {
    const { id: wanted, route: ofRoute, tags: pairs } = this.#filter;
    if (wanted !== null && id !== wanted) return false;
    if (ofRoute !== null && route !== ofRoute) return false;
    for (const [key, value] of pairs) if (tags?.get(key) !== value) return false;
    return true;
  }

  /** Of clients that never were connections. */
  wantsRefused(route: string): boolean {
    const { id, route: ofRoute, tags } = this.#filter;
    return id === null && tags.length === 0 && (ofRoute === null || ofRoute === route);
  }

  /** Is there room for one more at this time? If not, it is counted. Asked before a sighting is made. */
  hasRoom(now: number): boolean {
    const second = Math.floor(now / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#seenInSecond = 0;
    }
    this.#seenInSecond += 1;
    if (this.#seenInSecond <= PER_SECOND && this.#sightings.length < WAITING && this.#characters < WAITING_CHARACTERS) return true;
    this.#missed += 1;
    return false;
  }

  add(sighting: Sighting): void {
    this.#sightings.push(sighting);
    this.#characters += OVERHEAD + charactersOf(sighting);
  }

  take(): { readonly sightings: readonly Sighting[]; readonly missed: number } {
    const taken = { sightings: this.#sightings, missed: this.#missed };
    this.#sightings = [];
    this.#characters = 0;
    this.#missed = 0;
    return taken;
  }
}

function charactersOf(sighting: Sighting): number {
  if ('payload' in sighting) return sighting.payload?.length ?? 0;
  if (sighting.type !== 'opened') return 0;
  return Object.entries(sighting.tags).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
}
