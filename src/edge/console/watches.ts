import type { Failure } from '../../core/commands.ts';
import type { CloseEvent, CloseVerdict, Message, MessageEvent, MessageVerdict, Refusal } from '../../core/events.ts';
import type { Attempt, Life, Listener, Observers } from '../../core/observer.ts';
import type { Party } from '../../core/party.ts';
import type { Clock, Timer } from '../../core/ports.ts';
import type { Seen, Sighting, SightingFilter } from '../../core/sightings.ts';
import { shownPayload, type ShownPayloads } from './payloads.ts';
import { rounded } from './recorder.ts';
import { answeredSighting, closedSighting, of, refusedSighting } from './sighting.ts';
import { Spans } from './spans.ts';
import { Watch } from './watch.ts';

/** Watches of one process, from all over the cluster. */
const MOST = 64;
/** A watch that nobody asks for so long is over. */
const LEASE_MS = 5_000;

export type WatchesOptions = {
  readonly clock: Clock;
  readonly observers: Pick<Observers, 'attach' | 'detach'>;
  readonly payloads: ShownPayloads;
  /** Called when the first begins, and when the last is over. */
  readonly changed: (isWatched: boolean) => void;
};

/** Sees for those who watch. It is attached while there are any, so that it costs nothing else. */
export class Watches implements Listener {
  readonly spans = new Spans();
  readonly #options: WatchesOptions;
  readonly #watches = new Map<string, Watch>();
  #timer: Timer | null = null;

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  /** What a watch has seen since it asked last. The first time begins it. */
  take(name: string, filter: SightingFilter): Omit<Seen, 'figures'> {
    const { clock } = this.#options;
    let watch = this.#watches.get(name);
    if (watch === undefined) {
      if (this.#watches.size >= MOST) return { sightings: [], missed: 0, problem: `${MOST} watch already, and more may not` };
      watch = new Watch(filter);
      this.#watches.set(name, watch);
      if (this.#watches.size === 1) this.#begin();
    }
    watch.askedAt = clock.now();
    return { ...watch.take(), problem: null };
  }

  stop(): void {
    this.#watches.clear();
    this.#end();
  }

  opened(party: Party, askedAt: number): void {
    this.#show(party, () => {
      const tags = Object.fromEntries(party.tags ?? []);
      return { type: 'opened', ...of(party, this.#at, 0), tags, ms: this.#since(askedAt) };
    });
  }

  refused(refusal: Refusal, attempt: Attempt): void {
    const now = this.#options.clock.now();
    for (const watch of this.#watches.values()) {
      if (watch.wantsRefused(attempt.route) && watch.hasRoom(now))
        watch.add(refusedSighting(refusal, attempt, { at: this.#at, ms: this.#since(attempt.askedAt) }));
    }
  }

  received({ party, seq, data, isBinary }: MessageEvent): void {
    const now = this.#options.clock.now();
    for (const watch of this.#watches.values()) {
      if (watch.isOfOne && watch.wants(party) && watch.hasRoom(now))
        watch.add({ type: 'received', ...of(party, this.#at, seq), seq, ...this.#frame(data, isBinary) });
    }
  }

  answered(event: MessageEvent | CloseEvent, verdict: MessageVerdict | CloseVerdict, askedAt: number): void {
    if (event.type === 'message') this.spans.took(this.#options.clock.now() - askedAt);
    this.#show(event.party, () => {
      const payload = event.type === 'message' ? this.#frame(event.data, event.isBinary).payload : null;
      return answeredSighting(event, verdict, { at: this.#at, ms: this.#since(askedAt), payload });
    });
  }

  pushed(party: Party, { data, isBinary }: Message): void {
    this.#show(party, () => ({ type: 'pushed', ...of(party, this.#at, null), ...this.#frame(data, isBinary) }));
  }

  pushRefused(party: Party, outcome: Failure): void {
    this.#show(party, () => ({ type: 'push-refused', ...of(party, this.#at, null), because: outcome.type }));
  }

  closed(event: CloseEvent, life: Life | null): void {
    this.#show(event.party, () => closedSighting(event, life, this.#at));
  }

  /** A sighting is made once, and only where somebody has room for it. */
  #show(party: Party, sight: () => Sighting): void {
    const now = this.#options.clock.now();
    let sighting: Sighting | null = null;
    for (const watch of this.#watches.values()) {
      if (watch.wants(party) && watch.hasRoom(now)) watch.add((sighting ??= sight()));
    }
  }

  #frame(data: Buffer, isBinary: boolean): { readonly bytes: number; readonly isBinary: boolean; readonly payload: string | null } {
    return { bytes: data.length, isBinary, payload: shownPayload(data, isBinary, this.#options.payloads) };
  }

  get #at(): number {
    return this.#options.clock.date();
  }

  #since(askedAt: number): number {
    return rounded(this.#options.clock.now() - askedAt);
  }

  #begin(): void {
    this.#options.observers.attach(this);
    this.#options.changed(true);
    this.#timer = this.#options.clock.after(LEASE_MS, () => this.#sweep());
  }

  #sweep(): void {
    const { clock } = this.#options;
    for (const [name, { askedAt }] of this.#watches) if (clock.now() - askedAt >= LEASE_MS) this.#watches.delete(name);
    if (this.#watches.size === 0) this.#end();
    else this.#timer = clock.after(LEASE_MS, () => this.#sweep());
  }

  #end(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#options.observers.detach(this);
    this.#options.changed(false);
  }
}
