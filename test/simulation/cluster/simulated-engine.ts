import type { LedgerEntry } from '../../../src/core/ports.ts';
import { OWNER_LENGTH } from '../../../src/core/ids.ts';
import type { Backbone, BackboneListener, Claim, ClaimVerdict, Member, Standing } from '../../../src/engines/backbone.ts';
import type { Random } from '../random.ts';
import type { VirtualClock } from '../virtual-clock.ts';

type Held = { readonly owner: string; readonly stamp: number; readonly key: string };

/** An engine in memory that does each operation at once, as a server's scripts do; it can be away, and be emptied. */
export class SimulatedEngine {
  readonly clock: VirtualClock;
  isAway = false;
  members = new Map<string, { readonly ends: number; readonly node: string }>();
  estates = new Map<string, { holder: string; readonly entries: Map<string, LedgerEntry> }>();
  lost = new Set<string>();
  claims = new Map<string, Held>();
  readonly inboxes = new Map<string, SimulatedBackbone>();

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  forgetAll(): void {
    this.members.clear();
    this.estates.clear();
    this.lost.clear();
    this.claims.clear();
  }

  lives(owner: string): boolean {
    return (this.members.get(owner)?.ends ?? 0) > this.clock.now();
  }

  living(): Member[] {
    return [...this.members].filter(([owner]) => this.lives(owner)).map(([owner, { node }]) => ({ owner, node }));
  }
}

export type Station = {
  readonly owner: string;
  readonly node: string;
  readonly leaseMs: number;
  /** Does a process's own work, once it runs. */
  readonly run: (task: () => void) => void;
  readonly isDead: () => boolean;
};

/** One process's way to the engine: what is on it takes a while, and nothing passes while it is cut. */
export class SimulatedBackbone implements Backbone {
  readonly maxBytes = 1_000_000;
  isCut = false;
  readonly #engine: SimulatedEngine;
  readonly #station: Station;
  readonly #random: Random;
  #listener: BackboneListener | null = null;
  #session = 0;
  #isUp = false;
  #lastArrival = 0;

  constructor(engine: SimulatedEngine, station: Station, random: Random) {
    this.#engine = engine;
    this.#station = station;
    this.#random = random;
    engine.inboxes.set(station.owner, this);
  }

  start(listener: BackboneListener): void {
    this.#listener = listener;
    this.#connectLater();
  }

  /** The engine died: whoever is on the way learns of it. */
  broke(because: string): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#session += 1;
    this.#station.run(() => this.#listener?.down(because));
    this.#connectLater();
  }

  reset(because: string): void {
    if (this.#isUp) this.broke(because);
  }

  close(): Promise<void> {
    this.#isUp = false;
    this.#session += 1;
    this.#engine.inboxes.delete(this.#station.owner);
    return Promise.resolve();
  }

  join(estate: string): Promise<readonly string[]> {
    return this.#ask(({ estates }) => {
      this.#renewed();
      estates.set(estate, { holder: this.#me, entries: new Map() });
      return [...estates].flatMap(([name, { holder }]) =>
        holder === this.#me && name !== estate && name.startsWith(`${this.#me}.`) ? [name] : [],
      );
    });
  }

  renew(estate: string): Promise<Standing> {
    return this.#ask((engine): Standing => {
      if (engine.lost.has(estate)) return { type: 'lost' };
      if (engine.estates.get(estate)?.holder !== this.#me) return { type: 'missing' };
      this.#renewed();
      const isBereaved = [...engine.estates].some(([name, { holder }]) =>
        holder === this.#me ? !name.startsWith(`${this.#me}.`) : !engine.lives(holder),
      );
      return { type: 'kept', now: engine.clock.now(), members: engine.living(), isBereaved };
    });
  }

  members(): Promise<readonly Member[]> {
    return this.#ask((engine) => engine.living());
  }

  leave(): Promise<void> {
    return this.#ask((engine) => void engine.members.delete(this.#me));
  }

  inherit(): Promise<readonly string[]> {
    return this.#ask((engine) => {
      const mine: string[] = [];
      for (const [name, estate] of engine.estates) {
        if (estate.holder !== this.#me && !engine.lives(estate.holder)) {
          estate.holder = this.#me;
          engine.lost.add(name);
          mine.push(name);
        } else if (estate.holder === this.#me && !name.startsWith(`${this.#me}.`)) mine.push(name);
      }
      return mine;
    });
  }

  read(estate: string): Promise<readonly LedgerEntry[]> {
    return this.#ask(({ estates }) => [...(estates.get(estate)?.entries.values() ?? [])]);
  }

  write(estate: string, opened: readonly LedgerEntry[], forgotten: readonly string[]): Promise<boolean> {
    return this.#ask(({ estates }) => {
      const known = estates.get(estate);
      if (known?.holder !== this.#me) return false;
      for (const entry of opened) known.entries.set(entry.key, entry);
      for (const key of forgotten) known.entries.delete(key);
      return true;
    });
  }

  remove(estate: string): Promise<void> {
    return this.#ask(({ estates }) => void estates.delete(estate));
  }

  claim({ id, key, mayReplace, stamp }: Parameters<Backbone['claim']>[0]): Promise<ClaimVerdict> {
    return this.#ask((engine): ClaimVerdict => {
      const held = engine.claims.get(id);
      const other = held !== undefined && engine.lives(held.owner) ? held : null;
      const isOthers = other !== null && other.key !== key;
      if (isOthers && (stamp === null ? !mayReplace : other.stamp > stamp)) return { isGranted: false, stamp: other.stamp, other };
      const own = stamp ?? Math.max(engine.clock.now(), (held?.stamp ?? 0) + 1);
      engine.claims.set(id, { owner: this.#me, stamp: own, key });
      return { isGranted: true, stamp: own, other };
    });
  }

  release({ id, key }: Claim): Promise<void> {
    return this.#ask(({ claims }) => {
      if (claims.get(id)?.key === key) claims.delete(id);
    });
  }

  locate(id: string): Promise<string | null> {
    return this.#ask((engine) => {
      const owner = engine.claims.get(id)?.owner;
      if (owner !== undefined && engine.lives(owner)) return owner;
      const prefix = id.slice(0, OWNER_LENGTH);
      return engine.lives(prefix) ? prefix : null;
    });
  }

  send(owner: string, bytes: Buffer): Promise<boolean> {
    return this.#ask((engine) => engine.inboxes.get(owner)?.arrive(bytes) ?? false);
  }

  sendAll(bytes: Buffer): Promise<void> {
    return this.#ask((engine) => {
      for (const inbox of engine.inboxes.values()) inbox.arrive(bytes);
    });
  }

  /** False: nobody listens there. A cut way takes it, and it is lost. */
  arrive(bytes: Buffer): boolean {
    if (!this.#isUp || this.#station.isDead()) return false;
    if (this.isCut) return true;
    const session = this.#session;
    const { clock } = this.#engine;
    this.#lastArrival = Math.max(this.#lastArrival, clock.now() + this.#random.between(0, 5)); // in order
    clock.after(this.#lastArrival - clock.now(), () =>
      this.#station.run(() => {
        if (session === this.#session) this.#listener?.received(bytes);
      }),
    );
    return true;
  }

  get #me(): string {
    return this.#station.owner;
  }

  #renewed(): void {
    this.#engine.members.set(this.#me, { ends: this.#engine.clock.now() + this.#station.leaseMs, node: this.#station.node });
  }

  #lastAsked = 0;

  /** There and back; calls of one process keep their order. What is under way when the way is cut never comes back. */
  #ask<Result>(act: (engine: SimulatedEngine) => Result): Promise<Result> {
    if (!this.#isUp) return Promise.reject(new Error('the engine is away'));
    const session = this.#session;
    const { clock } = this.#engine;
    this.#lastAsked = Math.max(this.#lastAsked, clock.now() + this.#random.between(0, 5));
    return new Promise((resolve, reject) => {
      clock.after(this.#lastAsked - clock.now(), () => {
        if (this.#station.isDead() || this.isCut) return;
        if (this.#engine.isAway || session !== this.#session) {
          this.#station.run(() => reject(new Error('the connection was lost')));
          return;
        }
        const result = act(this.#engine);
        clock.after(this.#random.between(0, 5), () => {
          if (!this.isCut) this.#station.run(() => resolve(result));
        });
      });
    });
  }

  #connectLater(): void {
    const session = this.#session;
    this.#engine.clock.after(this.#random.between(20, 1_000), () =>
      this.#station.run(() => {
        if (session !== this.#session || this.#isUp) return;
        if (this.#engine.isAway || this.isCut) {
          this.#connectLater();
          return;
        }
        this.#isUp = true;
        this.#listener?.up();
      }),
    );
  }
}
