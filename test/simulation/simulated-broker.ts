import type { Fate, LinkListener, Parcel, StreamLink } from '../../src/wire/streams.ts';
import type { Random } from './random.ts';
import type { Record } from './truth.ts';
import type { VirtualClock } from './virtual-clock.ts';
import type { Outage, Weather } from './weather.ts';

/** What it keeps of an entry. */
export type Stored = { readonly eventId: string; readonly text: string };

type Mood = 'good' | 'full' | 'silent' | 'broken' | 'away';

const FULL: Fate = { type: 'declined', because: 'OOM' };
const STORED: Fate = { type: 'stored' };
const LOST: Fate = { type: 'lost' };

/**
 * A broker on good days and bad: it confirms late, or never, says no, breaks off in the middle and stores what it had read
 * by then, and stays away for a while.
 */
export class SimulatedBroker implements StreamLink {
  readonly stored: Stored[] = [];
  readonly outages: Outage[] = [];
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #record: Record;
  readonly #failureRate: number;
  readonly #slownessMs: number;
  #listener: LinkListener | null = null;
  #flying = new Set<Parcel>();
  #isUp = false;
  /** It reads no further on this connection. */
  #isSilent = false;
  #readAt = 0;
  #isGood = false;

  constructor({ clock, random, record }: { clock: VirtualClock; random: Random; record: Record }) {
    this.#clock = clock;
    this.#random = random;
    this.#record = record;
    this.#failureRate = random.pick([0, 0, 0.05, 0.3]);
    this.#slownessMs = random.pick([2, 40, 400]);
  }

  /** From now on everything is stored, soon. */
  recover(): void {
    this.#isGood = true;
  }

  start(listener: LinkListener): void {
    this.#listener = listener;
    this.#comeBack();
  }

  send(parcels: readonly Parcel[]): void {
    if (!this.#isUp) this.#record.violate('port', null, 'entries are sent while the broker is away');
    for (const parcel of parcels) this.#flying.add(parcel);
    const now = this.#clock.now();
    this.#readAt = Math.max(this.#readAt, now + this.#random.between(0, this.#slownessMs)); // in the order sent
    this.#clock.after(this.#readAt - now, () => this.#read(parcels));
  }

  reset(because: string): void {
    this.#record.count('broker dropped');
    this.#break(because);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #read(parcels: readonly Parcel[]): void {
    for (const parcel of parcels) {
      if (!this.#flying.has(parcel)) continue; // its connection is gone
      if (this.#isSilent) return;
      const mood = this.#mood();
      this.#record.count(`broker ${mood}`);
      if (mood === 'silent') {
        this.#isSilent = true;
        return;
      }
      if (mood === 'broken' || mood === 'away') return this.#break('it broke');
      this.#flying.delete(parcel);
      if (mood === 'good') this.#store(parcel);
      parcel.settled(mood === 'good' ? STORED : FULL);
    }
  }

  #store({ entry }: Parcel): void {
    this.stored.push({ eventId: entry.eventId, text: entry.fields.join('\n') });
  }

  /** What it had read by then is stored, and nobody is told so. */
  #break(because: string): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    const lost = [...this.#flying];
    this.#flying.clear();
    for (const parcel of lost.slice(0, this.#random.between(0, lost.length))) this.#store(parcel);
    this.#listener?.down(because);
    for (const parcel of lost) parcel.settled(LOST);
    this.#comeBack();
  }

  #comeBack(): void {
    this.#clock.after(this.#random.between(0, this.#isGood ? 10 : 1_000), () => {
      if (this.#mood() === 'away') {
        this.#record.count('broker away');
        return this.#comeBack();
      }
      this.#isUp = true;
      this.#isSilent = false;
      this.#listener?.up();
    });
  }

  #mood(): Mood {
    if (this.#isGood) return 'good';
    const now = this.#clock.now();
    for (const { from, until, weather } of this.outages) if (now >= from && now < until) return this.#moodOf(weather);
    return this.#random.chance(this.#failureRate) ? this.#moodOf('any') : 'good';
  }

  #moodOf(weather: Weather): Mood {
    if (weather === 'unreachable') return 'away';
    if (weather === 'timeout') return 'silent';
    if (weather === 'any') return this.#random.pick(['full', 'silent', 'broken']);
    return weather === 'reset' ? 'broken' : 'full';
  }
}
