import type { Ledger, LedgerEntry, Log } from '../core/ports.ts';
import type { Backbone } from './backbone.ts';
import type { Membership } from './membership.ts';

export type ClusterLedgerOptions = {
  readonly backbone: Backbone;
  readonly membership: Membership;
  readonly timeoutMs: number;
  readonly log: Log;
};

/** Entries written at once when all are written anew. */
const CHUNK = 500;

/**
 * Remembers open connections in the engine, in the estate of this process; one write for all that a turn of the loop
 * brought. While the engine is away clients are let in without it; all that is open is written anew on its return.
 */
export class ClusterLedger implements Ledger {
  readonly level = 'node';
  readonly #options: ClusterLedgerOptions;
  /** What is open here, and what was inherited and not told yet: the engine may come back empty. */
  readonly #entries = new Map<string, LedgerEntry>();
  /** Handed over and not written yet: not lost with an estate. */
  readonly #unwritten = new Set<string>();
  #opened: LedgerEntry[] = [];
  #forgotten: string[] = [];
  #written: (() => void)[] = [];
  #isScheduled = false;
  #isClosed = false;
  #isDirty = false;
  #last: Promise<unknown> = Promise.resolve();
  #inheriting: Promise<unknown> = Promise.resolve();
  #isInheriting = 0;
  readonly #graces = new Set<() => void>();

  constructor(options: ClusterLedgerOptions) {
    this.#options = options;
  }

  get problem(): string | null {
    return this.#isClosed ? null : this.#options.membership.problem;
  }

  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** Does somebody wait for orphans already? */
  get isInheriting(): boolean {
    return this.#isInheriting > 0;
  }

  opened(entry: LedgerEntry): Promise<void> | void {
    if (this.#isClosed) return;
    this.#entries.set(entry.key, entry);
    this.#unwritten.add(entry.key);
    if (!this.#isReachable()) return;
    this.#opened.push(entry);
    return new Promise((resolve) => {
      this.#written.push(resolve);
      this.#schedule();
    });
  }

  forget(key: string): void {
    if (!this.#entries.delete(key)) return; // lost with an estate, or forgotten already
    this.#unwritten.delete(key);
    if (this.#isClosed || !this.#isReachable()) return;
    this.#forgotten.push(key);
    this.#schedule();
  }

  /** Waits until everybody had the time to say that he lives; then takes what the dead have left. */
  orphans(): Promise<readonly LedgerEntry[]> {
    this.#isInheriting += 1;
    const turn = this.#inheriting.then(async () => {
      try {
        await this.#grace();
        return this.#isClosed ? [] : await this.#inherit();
      } finally {
        this.#isInheriting -= 1;
      }
    });
    this.#inheriting = turn.catch(() => {});
    return turn;
  }

  /** All that is open into this estate, in order with what changes meanwhile. */
  async restore(estate: string): Promise<void> {
    const { backbone, membership, timeoutMs } = this.#options;
    this.#isDirty = false;
    this.#opened = [];
    this.#forgotten = [];
    this.#resolve();
    let chunk: LedgerEntry[] = [];
    const write = async (): Promise<void> => {
      const entries = chunk;
      chunk = [];
      if (!(await membership.within(timeoutMs, backbone.write(estate, entries, []))))
        throw new Error('the estate was taken while it was written');
      for (const { key } of entries) this.#unwritten.delete(key);
    };
    try {
      for (const entry of this.#entries.values()) {
        if (chunk.push(entry) === CHUNK) await write();
      }
      if (chunk.length > 0) await write();
    } catch (error) {
      this.#isDirty = true;
      throw error;
    }
  }

  /** Forgets what was in the estate that another has now, and says which it was. */
  lost(): ReadonlySet<string> {
    const keys = new Set<string>();
    for (const key of this.#entries.keys()) if (!this.#unwritten.has(key)) keys.add(key);
    for (const key of keys) this.#entries.delete(key);
    return keys;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return this.#closed;
    this.#isClosed = true;
    for (const end of this.#graces) end();
    this.#flush();
    this.#closed = this.#leave();
    return this.#closed;
  }

  #closed: Promise<void> = Promise.resolve();

  async #leave(): Promise<void> {
    const { backbone, membership, timeoutMs } = this.#options;
    try {
      await membership.within(timeoutMs, membership.settled());
      const wasIn = membership.isIn;
      membership.close();
      if (wasIn) await membership.within(timeoutMs, Promise.all([this.#last, backbone.leave()]));
    } catch {
      membership.close(); // the lease ends by itself
    }
    await backbone.close();
  }

  /** While the engine is away nothing waits for it, and all is written anew on its return. */
  #isReachable(): boolean {
    if (this.#options.membership.estate !== null) return true;
    this.#isDirty = true;
    return false;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.membership.time.soon(() => this.#flush());
  }

  #flush(): void {
    this.#isScheduled = false;
    const { backbone, membership, timeoutMs } = this.#options;
    const [opened, forgotten, written] = [this.#opened, this.#forgotten, this.#written];
    this.#opened = [];
    this.#forgotten = [];
    this.#written = [];
    const resolve = (): void => {
      for (const one of written) one();
    };
    const { estate } = membership;
    if (estate === null || (opened.length === 0 && forgotten.length === 0)) {
      if (estate === null) this.#isDirty = true;
      resolve();
      return;
    }
    this.#last = membership
      .within(timeoutMs, backbone.write(estate, opened, forgotten))
      .then(
        (isOurs) => {
          if (isOurs) for (const { key } of opened) this.#unwritten.delete(key);
          else {
            this.#isDirty = true;
            void membership.renew();
          }
        },
        (error: unknown) => {
          this.#isDirty = true;
          this.#options.log.debug({ err: error }, 'the ledger was not written');
        },
      )
      .then(resolve);
  }

  #resolve(): void {
    for (const one of this.#written.splice(0)) one();
  }

  async #grace(): Promise<void> {
    const { membership } = this.#options;
    while (!this.#isClosed && !membership.mayInherit) {
      await new Promise<void>((resolve) => {
        const timer = membership.time.after(membership.graceMs, () => end());
        const end = (): void => {
          timer.cancel();
          this.#graces.delete(end);
          resolve();
        };
        this.#graces.add(end);
      });
    }
  }

  /** The estate is this process's at once, so that no other reads it; what is in it moves into its own before it goes. */
  async #inherit(): Promise<readonly LedgerEntry[]> {
    const { backbone } = this.#options;
    const found = new Map<string, LedgerEntry>();
    for (const estate of await backbone.inherit()) {
      const entries = await backbone.read(estate);
      for (let from = 0; from < entries.length; from += CHUNK) {
        await Promise.all(entries.slice(from, from + CHUNK).map(async (entry) => this.opened(entry)));
      }
      if (this.#isDirty) break; // not safe in the own estate: it is inherited again
      await backbone.remove(estate);
      for (const entry of entries) found.set(entry.key, entry);
    }
    return [...found.values()];
  }
}
