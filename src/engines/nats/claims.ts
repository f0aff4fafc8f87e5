import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Backbone, Claim, ClaimVerdict } from '../backbone.ts';
import type { Connection } from './connection.ts';
import type { Entries } from './entries.ts';
import { tries } from './tries.ts';

const HELD = Compile(Type.Object({ owner: Type.String(), key: Type.String(), stamp: Type.Number() }));

export type ClaimsOptions = {
  readonly connection: Connection;
  readonly entries: Entries;
  readonly owner: string;
  readonly now: () => number;
  readonly lives: (owner: string) => Promise<boolean>;
};

/** Client-chosen ids: a key each, changed by compare-and-set, so that claims of one id have an order. */
export class Claims {
  readonly #options: ClaimsOptions;
  /** What is still to be done for an id; this process's claims and releases of one id keep their order. */
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  take(claim: Parameters<Backbone['claim']>[0]): Promise<ClaimVerdict> {
    return this.#inOrder(claim.id, () => this.#take(claim));
  }

  end(claim: Claim): Promise<void> {
    return this.#inOrder(claim.id, () => this.#end(claim));
  }

  async #inOrder<Result>(id: string, act: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(id) ?? Promise.resolve();
    const mine = before.then(act);
    const settled = mine.catch(() => {});
    this.#last.set(id, settled);
    try {
      return await mine;
    } finally {
      if (this.#last.get(id) === settled) this.#last.delete(id);
    }
  }

  async #take({ id, key, mayReplace, stamp }: Parameters<Backbone['claim']>[0]): Promise<ClaimVerdict> {
    const { connection, owner, now, lives } = this.#options;
    return tries(async () => {
      const held = await this.#held(id);
      const other = held !== null && (await lives(held.owner)) ? { owner: held.owner, key: held.key } : null;
      const isOthers = other !== null && other.key !== key;
      const isRefused = stamp === null ? !mayReplace : (held?.stamp ?? 0) > stamp;
      if (isOthers && isRefused) return { isGranted: false, stamp: held?.stamp ?? 0, other };
      const own = stamp ?? Math.max(now(), (held?.stamp ?? 0) + 1);
      await connection.session.kv.put(keyOf(id), JSON.stringify({ owner, key, stamp: own }), { previousSeq: held?.revision ?? 0 });
      return { isGranted: true, stamp: own, other };
    });
  }

  async #end({ id, key }: Claim): Promise<void> {
    const held = await this.#held(id);
    if (held?.key === key) await this.#options.entries.remove(held.revision); // this very claim: a newer one has another number
  }

  /** Null where nobody holds it, or who does is dead. */
  async holder(id: string): Promise<string | null> {
    const held = await this.#held(id);
    return held !== null && (await this.#options.lives(held.owner)) ? held.owner : null;
  }

  async #held(
    id: string,
  ): Promise<{ readonly owner: string; readonly key: string; readonly stamp: number; readonly revision: number } | null> {
    const entry = await this.#options.connection.session.kv.get(keyOf(id));
    if (entry === null || entry.operation !== 'PUT') return null;
    try {
      const held: unknown = JSON.parse(entry.string());
      if (HELD.Check(held)) return { ...held, revision: entry.revision };
    } catch {
      // somebody else wrote there
    }
    return { owner: '', key: '', stamp: 0, revision: entry.revision };
  }
}

/** Any id is a key: the bucket allows a few characters only. */
function keyOf(id: string): string {
  return `claim.x${Buffer.from(id).toString('base64url')}`;
}
