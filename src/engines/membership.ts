import type { Log, Timer } from '../core/ports.ts';
import type { Backbone, Standing } from './backbone.ts';
import type { RealTime } from './real-time.ts';

/** How long a process may be silent before it is taken for dead, and how often it says that it lives. */
export type LeaseTimes = { readonly leaseMs: number; readonly renewMs: number };

/** Three chances to say so in a lease. */
export function leaseOf(leaseMs: number): LeaseTimes {
  return { leaseMs, renewMs: Math.floor(leaseMs / 3) };
}

export type MembershipOptions = LeaseTimes & {
  readonly backbone: Backbone;
  readonly owner: string;
  readonly node: string;
  readonly timeoutMs: number;
  readonly log: Log;
  readonly time: RealTime;
};

/** What a membership needs of those that live by it. */
export interface Tenant {
  /** Must all that is open be written anew, because some of it did not reach the engine? */
  readonly isDirty: boolean;
  /** Writes all that is open into this new estate. */
  restore(estate: string): Promise<void>;
  /** The last estate is another process's now. */
  lost(): void;
  /** The process is in, for the first time or again. */
  entered(): Promise<void>;
  /** Somebody died and nobody has his estate yet. */
  bereaved(): void;
}

type State = 'out' | 'entering' | 'in' | 'closed';

/**
 * This process's place in the cluster: its lease and estate, who else is there, and the engine's clock. After each loss of
 * the engine the process enters again: the lease first, then what is open, then the claims.
 */
export class Membership {
  readonly owner: string;
  readonly time: RealTime;
  readonly #options: MembershipOptions;
  readonly #members = new Map<string, string>();
  #tenant: Tenant | null = null;
  #state: State = 'out';
  #problem: string | null = 'the engine was not reached yet';
  #refusal: string | null = null;
  #estate: string | null = null;
  #generation = 0;
  /** The engine's clock less ours, which nobody sets. */
  #offsetMs: number;
  /** How far off it may be, either way: half of the time that the engine took to tell it. */
  #errorMs = Infinity;
  /** Since when the engine has answered without a gap (of `RealTime`). Before a lease's time is over nobody is taken for dead. */
  #inTouchSince = Infinity;
  #lastRenewal = 0;
  #isRenewing = false;
  #entries = 0;
  #timer: Timer | null = null;
  #started: () => void = () => {};
  #waiters: (() => void)[] = [];

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.owner = options.owner;
    this.time = options.time;
    this.#offsetMs = Date.now() - this.time.now();
  }

  /** Connects. Resolves when the process is in, or when its time is over: then it goes on trying. Rejects when it is refused. */
  async start(tenant: Tenant, received: (bytes: Buffer) => void): Promise<void> {
    this.#tenant = tenant;
    const { backbone, timeoutMs } = this.#options;
    const first = new Promise<void>((resolve) => {
      this.#started = resolve;
    });
    backbone.start({
      up: () => void this.#enter(),
      down: (because) => this.#left(because),
      received,
      refused: (because) => {
        this.#left(because);
        this.#refusal = because;
        this.#started();
      },
    });
    const patience = this.time.after(timeoutMs, () => this.#started());
    await first;
    patience.cancel();
    if (this.#refusal !== null) throw new Error(this.#refusal);
  }

  get isIn(): boolean {
    return this.#state === 'in';
  }

  /** Was this process, or the engine, away for a whole lease since the last sign of life? It knows more after the next one. */
  get isInDoubt(): boolean {
    return this.#state === 'in' && this.time.now() - this.#lastRenewal > this.#options.leaseMs;
  }

  /** Ms since the engine last said that the lease runs; Infinity before the first time. */
  get leaseAgeMs(): number {
    return this.#lastRenewal === 0 ? Infinity : this.time.now() - this.#lastRenewal;
  }

  /** Resolves when the process is not on its way in: it is in, or the engine is away. */
  async settled(): Promise<void> {
    if (this.#state === 'entering') await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Why the cluster cannot be asked now, or null. */
  get problem(): string | null {
    return this.#state === 'in' ? null : this.#problem;
  }

  /** Where this process's open connections are remembered; null while it is out. */
  get estate(): string | null {
    return this.#state === 'in' || this.#state === 'entering' ? this.#estate : null;
  }

  /** The engine's clock as far as it is known, epoch ms. */
  now(): number {
    return Math.round(this.time.now() + this.#offsetMs);
  }

  /** A deadline by the engine's clock that is over after so many ms at the latest. */
  deadline(ms: number): number {
    return this.now() + Math.floor(ms - this.#errorMs);
  }

  /** May this deadline, another process's perhaps, be over? */
  mayBeOver(deadline: number): boolean {
    return this.now() + this.#errorMs > deadline;
  }

  /** All others, with the names of their nodes. */
  get others(): ReadonlyMap<string, string> {
    return this.#members;
  }

  /** Asks the engine who is there now. False: it did not say. */
  async meetAll(): Promise<boolean> {
    const { backbone, timeoutMs } = this.#options;
    const entry = this.#entries;
    try {
      const members = await this.within(timeoutMs / 2, backbone.members());
      if (!this.#isOver(entry)) this.#know(members);
      return true;
    } catch (error) {
      this.#options.log.debug({ err: error }, 'the engine did not say who is there');
      return false;
    }
  }

  met(owner: string, node: string): void {
    if (owner !== this.owner) this.#members.set(owner, node);
  }

  gone(owner: string): void {
    this.#members.delete(owner);
  }

  /** Has everybody had the time to say that he lives, since the engine answers? */
  get mayInherit(): boolean {
    const { leaseMs } = this.#options;
    const now = this.time.now();
    return this.#state === 'in' && now - this.#inTouchSince >= leaseMs && now - this.#lastRenewal < leaseMs;
  }

  /** Ms until `mayInherit` may be true. */
  get graceMs(): number {
    const { leaseMs } = this.#options;
    return this.#state === 'in' ? Math.max(LOOK_MS, this.#inTouchSince + leaseMs - this.time.now()) : leaseMs;
  }

  /** Asks the engine at once how the lease stands: something did not fit. */
  async renew(): Promise<void> {
    if (this.#state !== 'in' || this.#estate === null || this.#isRenewing) return;
    this.#isRenewing = true;
    await this.#renew(this.#estate, this.#entries);
    this.#isRenewing = false;
  }

  /** Rejects when the engine has not answered in time: it hangs. */
  async within<Result>(limitMs: number, answer: Promise<Result>): Promise<Result> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = this.time.after(limitMs, () => reject(new Error(`the engine did not answer within ${limitMs} ms`)));
    try {
      return await Promise.race([answer, promise]);
    } finally {
      timer.cancel();
    }
  }

  close(): void {
    this.#state = 'closed';
    this.#timer?.cancel();
    this.#timer = null;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #left(because: string): void {
    if (this.#state === 'closed') return;
    if (this.#state !== 'out' || this.#entries === 0)
      this.#options.log.warn({ because }, 'the cluster cannot be asked, local work goes on');
    this.#state = 'out';
    this.#problem = because;
    this.#inTouchSince = Infinity;
    this.#entries += 1; // whatever still runs for the last entry ends without effect
    this.#timer?.cancel();
    this.#timer = null;
    this.#wake();
  }

  /** Lease, then what is open, then the claims. A failure on the way drops the connections, and all begins again. */
  async #enter(): Promise<void> {
    if (this.#state === 'closed') return;
    const { log, node, backbone } = this.#options;
    this.#entries += 1;
    const entry = this.#entries;
    const tenant = this.#tenant as Tenant;
    this.#state = 'entering';
    try {
      let standing: Standing =
        this.#estate === null ? { type: 'missing' } : await this.#ask((estate) => backbone.renew(estate), this.#estate);
      if (this.#isOver(entry)) return;
      if (standing.type === 'lost') this.#disown();
      if (standing.type !== 'kept' || tenant.isDirty) {
        await this.#resettle(entry);
        if (this.#isOver(entry)) return;
        standing = await this.#ask((estate) => backbone.renew(estate), this.#estate as string);
      }
      if (this.#isOver(entry) || standing.type !== 'kept') throw new Error('the lease ended while it was renewed');
      this.#know(standing.members);
      this.#inTouchSince = this.time.now();
      this.#lastRenewal = this.#inTouchSince;
      this.#state = 'in';
      await tenant.entered();
      if (this.#isOver(entry)) return;
    } catch (error) {
      if (!this.#isOver(entry)) backbone.reset(`the engine did not let this process in: ${(error as Error).message}`);
      return;
    }
    log.info({ owner: this.owner, node, others: this.#members.size }, 'joined the cluster');
    this.#renewLater();
    this.#started();
    this.#wake();
  }

  #renewLater(): void {
    this.#timer?.cancel();
    this.#timer = this.time.after(this.#options.renewMs, () => {
      this.#renewLater();
      void this.renew();
    });
  }

  #isOver(entry: number): boolean {
    return entry !== this.#entries || this.#state === 'closed';
  }

  #disown(): void {
    this.#options.log.warn({ estate: this.#estate }, 'this process was taken for dead: its connections end here, others tell of it');
    (this.#tenant as Tenant).lost();
    this.#estate = null;
  }

  /** A new estate, filled with what is open; then the old ones go. */
  async #resettle(entry: number): Promise<void> {
    const { backbone } = this.#options;
    this.#generation += 1;
    const estate = `${this.owner}.${this.#generation}`;
    const old = await backbone.join(estate);
    if (this.#isOver(entry)) return;
    this.#estate = estate;
    await (this.#tenant as Tenant).restore(estate);
    for (const one of old) if (!this.#isOver(entry)) await backbone.remove(one);
  }

  async #renew(estate: string, entry: number): Promise<void> {
    const { backbone, leaseMs } = this.#options;
    try {
      const standing = await this.#ask((one) => backbone.renew(one), estate);
      if (this.#isOver(entry) || this.#estate !== estate) return;
      const tenant = this.#tenant as Tenant;
      if (standing.type !== 'kept' || tenant.isDirty) {
        this.#left(standing.type === 'kept' ? 'some of what is open was not written' : `the lease is ${standing.type}`);
        await this.#enter();
        return;
      }
      const now = this.time.now();
      if (now - this.#lastRenewal > leaseMs) this.#inTouchSince = now; // this process, or the engine, was away: others may have been too
      this.#lastRenewal = now;
      this.#know(standing.members);
      if (standing.isBereaved && this.mayInherit) tenant.bereaved();
    } catch (error) {
      if (!this.#isOver(entry)) backbone.reset(`the lease could not be renewed: ${(error as Error).message}`);
    }
  }

  /** Asks within the time-out, and sets the clock by the answer. */
  async #ask(question: (estate: string) => Promise<Standing>, estate: string): Promise<Standing> {
    const sentAt = this.time.now();
    const standing = await this.within(this.#options.timeoutMs, question(estate));
    const tookMs = this.time.now() - sentAt;
    if (standing.type === 'kept' && (tookMs < EXACT_MS || tookMs / 2 < this.#errorMs)) {
      this.#offsetMs = standing.now - (sentAt + tookMs / 2);
      this.#errorMs = tookMs / 2;
    }
    return standing;
  }

  #know(members: Extract<Standing, { type: 'kept' }>['members']): void {
    this.#members.clear();
    for (const { owner, node } of members) this.met(owner, node);
  }
}

/** Shortest time between two looks whether the engine has answered. */
const LOOK_MS = 10;
/** An answer that took longer says too little of the clock. */
const EXACT_MS = 100;
