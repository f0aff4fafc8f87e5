import { randomBytes } from 'node:crypto';
import type { Answers, Query } from '../../core/commands.ts';
import type { Clock, Timer } from '../../core/ports.ts';
import type { Sighting, SightingFilter } from '../../core/sightings.ts';
import type { EventStream } from './event-stream.ts';
import { RateKeeper } from './rates.ts';

/** How often the processes are asked what they saw: a few at once, many less often. */
const SOON_MS = 250;
const LATER_MS = 1_000;
const FEW_PROCESSES = 4;
const FIGURES_MS = 1_000;
const KEEP_ALIVE_MS = 10_000;
/** A reader that takes nothing for so long is dropped. */
const SLOW_MS = 10_000;
/** Sightings of all processes in one answer; of more, the number is told. */
const MOST_AT_ONCE = 500;

export type WatcherOptions = {
  readonly stream: Pick<EventStream, 'isTaking' | 'isOver' | 'send' | 'keepAlive' | 'end'>;
  readonly query: (query: Query) => Promise<Answers>;
  readonly clock: Clock;
  readonly filter: SightingFilter;
  readonly wantsFigures: boolean;
};

/** One who watches: asks every process again and again what it saw, and tells it. */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #name = randomBytes(12).toString('base64url');
  readonly #rates = new RateKeeper();
  #timer: Timer | null = null;
  #figuresAt = -Infinity;
  #toldAt = -Infinity;
  #slowSince: number | null = null;
  #missed = 0;
  #absent = '';

  constructor(options: WatcherOptions) {
    this.#options = options;
    void this.#look();
  }

  /** The reader has gone. */
  stop(): void {
    this.#timer?.cancel();
  }

  /** It is told to go. */
  end(reason: string): void {
    this.stop();
    this.#options.stream.end('end', { reason });
  }

  async #look(): Promise<void> {
    const { query, clock, filter, wantsFigures, stream } = this.#options;
    const isFiguresTime = wantsFigures && clock.now() - this.#figuresAt >= FIGURES_MS - SOON_MS / 2;
    const answers = await query({
      type: 'observe',
      question: { type: 'watch', watch: this.#name, filter, wantsFigures: isFiguresTime },
    });
    if (stream.isOver) return;
    if (this.#isTooSlow()) return this.end('this reader was too slow: it took nothing for 10 s');
    if (isFiguresTime) this.#figuresAt = clock.now();
    this.#tell(answers, isFiguresTime);
    this.#timer = clock.after(answers.parts.length <= FEW_PROCESSES ? SOON_MS : LATER_MS, () => void this.#look());
  }

  #tell(answers: Answers, isFiguresTime: boolean): void {
    const { stream, clock } = this.#options;
    const sightings = sightingsOf(answers).toSorted((a, b) => a.at - b.at);
    const shown = stream.isTaking ? sightings.slice(0, MOST_AT_ONCE) : [];
    this.#missed += sightings.length - shown.length + answers.parts.reduce((sum, { seen }) => sum + (seen?.missed ?? 0), 0);
    if (!stream.isTaking) return;
    if (shown.length > 0) this.#send('sightings', shown);
    if (this.#missed > 0) this.#send('missed', { count: this.#missed });
    this.#missed = 0;
    this.#tellAbsent(answers);
    if (isFiguresTime) this.#send('figures', { at: clock.date(), ...this.#rates.rates(answers.parts, clock.now()) });
    if (clock.now() - this.#toldAt < KEEP_ALIVE_MS) return;
    this.#toldAt = clock.now();
    stream.keepAlive();
  }

  #send(event: string, data: unknown): void {
    this.#toldAt = this.#options.clock.now();
    this.#options.stream.send(event, data);
  }

  /** Who does not answer, and who takes no part: told when it changes. */
  #tellAbsent({ parts, unreachable }: Answers): void {
    const refusing = parts.flatMap(({ node, seen }) => (seen?.problem ? [`${node}: ${seen.problem}`] : []));
    const absent = [...unreachable, ...refusing].join(', ');
    if (absent !== this.#absent) this.#send('absent', { unreachable, refusing });
    this.#absent = absent;
  }

  #isTooSlow(): boolean {
    const { stream, clock } = this.#options;
    if (stream.isTaking) {
      this.#slowSince = null;
      return false;
    }
    this.#slowSince ??= clock.now();
    return clock.now() - this.#slowSince >= SLOW_MS;
  }
}

/** Of all processes, each with the name of its node. */
export function sightingsOf({ parts }: Answers): (Sighting & { readonly node: string })[] {
  return parts.flatMap(({ node, seen }) => (seen?.sightings ?? []).map((sighting) => ({ ...sighting, node })));
}
