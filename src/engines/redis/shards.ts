import { crc32 } from 'node:zlib';
import type { LedgerEntry } from '../../core/ports.ts';
import type { Backbone, BackboneListener, Claim, Standing } from '../backbone.ts';

/** One primary, which may be one of several. */
export interface Shard extends Backbone {
  /** Gives an estate away: the next that asks inherits it, under another name. */
  forfeit(estate: string): Promise<void>;
}

/**
 * Several primaries that know nothing of each other. Claims go by their id, entries by their key, envelopes by whom they
 * are for; a process has its lease at all of them, and is in the cluster while it reaches all. An estate has a piece at
 * each, and each piece its own heir.
 */
export class Shards implements Backbone {
  readonly #shards: readonly Shard[];
  readonly #first: Shard;
  readonly #up = new Set<Shard>();
  /** Who has pieces of estates that others left: of those that this process made itself it has all. */
  readonly #inherited = new Map<string, Set<Shard>>();
  #wasTold = false;

  constructor(shards: readonly Shard[]) {
    this.#shards = shards;
    this.#first = shards[0] as Shard;
  }

  get maxBytes(): number {
    return this.#first.maxBytes;
  }

  start(listener: BackboneListener): void {
    for (const shard of this.#shards) {
      shard.start({
        up: () => {
          this.#up.add(shard);
          if (this.#up.size < this.#shards.length) return;
          this.#wasTold = true;
          listener.up();
        },
        down: (because) => {
          const wasUp = this.#up.size === this.#shards.length;
          this.#up.delete(shard);
          if (!wasUp && this.#wasTold) return;
          this.#wasTold = true;
          listener.down(because);
        },
        received: (bytes) => listener.received(bytes),
        refused: (because) => listener.refused(because),
      });
    }
  }

  async join(estate: string): Promise<readonly string[]> {
    return [...new Set((await this.#all((shard) => shard.join(estate))).flat())];
  }

  /** The first one's clock is the engine's. Who has lost a piece of his estate loses all of it, and others get the rest. */
  async renew(estate: string): Promise<Standing> {
    const standings = await this.#all((shard) => shard.renew(estate));
    const worst = standings.find(({ type }) => type === 'lost') ?? standings.find(({ type }) => type === 'missing');
    if (worst?.type === 'lost') await this.#all((shard) => shard.forfeit(estate));
    if (worst !== undefined) return worst;
    const kept = standings as Extract<Standing, { type: 'kept' }>[];
    return { ...(kept[0] as (typeof kept)[0]), isBereaved: kept.some(({ isBereaved }) => isBereaved) };
  }

  members(): ReturnType<Backbone['members']> {
    return this.#first.members();
  }

  async leave(): Promise<void> {
    await this.#all((shard) => shard.leave());
  }

  async inherit(): Promise<readonly string[]> {
    await this.#all(async (shard) => {
      for (const estate of await shard.inherit()) {
        this.#inherited.set(estate, (this.#inherited.get(estate) ?? new Set()).add(shard));
      }
    });
    return [...this.#inherited.keys()];
  }

  async read(estate: string): Promise<readonly LedgerEntry[]> {
    return (await Promise.all([...this.#of(estate)].map((shard) => shard.read(estate)))).flat();
  }

  async write(estate: string, opened: readonly LedgerEntry[], forgotten: readonly string[]): Promise<boolean> {
    const pieces = new Map<Shard, { readonly opened: LedgerEntry[]; readonly forgotten: string[] }>();
    const piece = (key: string) => {
      const shard = this.#for(key);
      const known = pieces.get(shard) ?? { opened: [], forgotten: [] };
      pieces.set(shard, known);
      return known;
    };
    for (const entry of opened) piece(entry.key).opened.push(entry);
    for (const key of forgotten) piece(key).forgotten.push(key);
    const written = await Promise.all([...pieces].map(([shard, part]) => shard.write(estate, part.opened, part.forgotten)));
    return written.every(Boolean);
  }

  async remove(estate: string): Promise<void> {
    await Promise.all([...this.#of(estate)].map((shard) => shard.remove(estate)));
    this.#inherited.delete(estate);
  }

  claim(claim: Parameters<Backbone['claim']>[0]): ReturnType<Backbone['claim']> {
    return this.#for(claim.id).claim(claim);
  }

  release(claim: Claim): Promise<void> {
    return this.#for(claim.id).release(claim);
  }

  locate(id: string): Promise<string | null> {
    return this.#for(id).locate(id);
  }

  send(owner: string, bytes: Buffer): Promise<boolean> {
    return this.#for(owner).send(owner, bytes);
  }

  sendAll(bytes: Buffer): Promise<void> {
    return this.#first.sendAll(bytes);
  }

  reset(because: string): void {
    for (const shard of this.#shards) shard.reset(because);
  }

  async close(): Promise<void> {
    await this.#all((shard) => shard.close());
  }

  #all<Result>(act: (shard: Shard) => Promise<Result>): Promise<Result[]> {
    return Promise.all(this.#shards.map(act));
  }

  #of(estate: string): Iterable<Shard> {
    return this.#inherited.get(estate) ?? this.#shards;
  }

  #for(name: string): Shard {
    return this.#shards[crc32(name) % this.#shards.length] as Shard;
  }
}
