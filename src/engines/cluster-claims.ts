import type { Log } from '../core/ports.ts';
import type { Backbone, Claim, ClaimVerdict } from './backbone.ts';
import type { Membership } from './membership.ts';

export type ClaimsOptions = {
  readonly backbone: Backbone;
  readonly membership: Membership;
  readonly timeoutMs: number;
  readonly log: Log;
  /** Tells a process that a newer connection has the id. */
  readonly evict: (owner: string, claim: Claim) => void;
  /** Tells every process that this connection has the id since this stamp. */
  readonly tellAll: (claim: Claim, stamp: number) => void;
};

/** Claims told again at once, when the engine is back. */
const CHUNK = 500;
/** Ends of claims that wait for the engine; of more it is not told, and such an id is free when this process has ended. */
const MAX_ENDED = 100_000;

/**
 * Client-chosen ids that this process holds. The engine puts the claims of all processes in order by stamps; while it is
 * away every claim is granted, and on its return the newest wins.
 */
export class ClusterClaims {
  readonly #options: ClaimsOptions;
  readonly #held = new Map<string, { readonly key: string; readonly stamp: number }>();
  #ended: Claim[] = [];

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  async take(id: string, key: string, mayReplace: boolean): Promise<boolean> {
    const { backbone, membership, timeoutMs, log } = this.#options;
    const claim = { id, key };
    if (membership.isIn) {
      try {
        const verdict = await membership.within(timeoutMs, backbone.claim({ ...claim, mayReplace, stamp: null }));
        if (verdict.isGranted) this.#granted(claim, verdict);
        return verdict.isGranted;
      } catch (error) {
        log.debug({ err: error, id }, 'the engine did not answer a claim of a client-chosen id');
        if (membership.isIn) backbone.reset('a claim was not answered'); // it may have been taken: what is held is told again
      }
    }
    this.#held.set(id, { key, stamp: membership.now() });
    return true;
  }

  end(id: string, key: string): void {
    if (this.#held.get(id)?.key === key) this.#held.delete(id);
    const claim = { id, key };
    if (this.#options.membership.isIn) this.#options.backbone.release(claim).catch(() => this.#keepForLater(claim));
    else this.#keepForLater(claim);
  }

  /** A connection of another process has the id since this stamp: an older one here ends. */
  heldElsewhere({ id, key }: Claim, stamp: number): void {
    const held = this.#held.get(id);
    if (held !== undefined && held.key !== key && held.stamp < stamp)
      this.#options.evict(this.#options.membership.owner, { id, key: held.key });
  }

  /** The engine is back: what has ended meanwhile, then all that is held. */
  async restore(): Promise<void> {
    const { backbone, membership, timeoutMs } = this.#options;
    const ended = this.#ended;
    this.#ended = [];
    for (let from = 0; from < ended.length; from += CHUNK) {
      await membership.within(timeoutMs, Promise.all(ended.slice(from, from + CHUNK).map((claim) => backbone.release(claim))));
    }
    const held = [...this.#held];
    for (let from = 0; from < held.length; from += CHUNK) {
      const chunk = held.slice(from, from + CHUNK).filter(([id, { key }]) => this.#held.get(id)?.key === key);
      await membership.within(
        timeoutMs,
        Promise.all(
          chunk.map(async ([id, { key, stamp }]) => {
            const verdict = await backbone.claim({ id, key, mayReplace: true, stamp });
            if (verdict.isGranted) {
              this.#granted({ id, key }, verdict);
              this.#options.tellAll({ id, key }, verdict.stamp); // the engine may have taken the claim before, and its answer was lost
            } else this.#options.evict(membership.owner, { id, key }); // a newer connection has it elsewhere
          }),
        ),
      );
    }
  }

  #granted({ id, key }: Claim, { stamp, other }: ClaimVerdict): void {
    this.#held.set(id, { key, stamp });
    if (other !== null && other.key !== key) this.#options.evict(other.owner, { id, key: other.key });
  }

  #keepForLater(claim: Claim): void {
    if (this.#ended.length < MAX_ENDED) this.#ended.push(claim);
  }
}
