import type { LedgerEntry } from '../core/ports.ts';

export type BackboneOptions = {
  readonly url: string;
  /** What CLUSTER_CREDENTIALS_FILE holds, or null. */
  readonly credentials: string | null;
  /** Prefix of all names in the engine. */
  readonly cluster: string;
  readonly owner: string;
  readonly node: string;
  readonly leaseMs: number;
  /** Longest wait for one answer of the engine. */
  readonly timeoutMs: number;
};

/** Who is in the cluster: its owner token, and the name of its node. */
export type Member = { readonly owner: string; readonly node: string };

/** What the engine knows of this process's lease. */
export type Standing =
  | {
      readonly type: 'kept';
      /** The engine's clock, epoch ms. */
      readonly now: number;
      /** Whose lease runs, this process too. */
      readonly members: readonly Member[];
      /** An estate waits for an heir, or has this process for one and was not read yet. */
      readonly isBereaved: boolean;
    }
  /** The lease ended and another process took the estate: it tells the ends of what was open in it. */
  | { readonly type: 'lost' }
  /** The engine has no such estate: it was emptied. */
  | { readonly type: 'missing' };

export type Claim = { readonly id: string; readonly key: string };

export type ClaimVerdict = {
  readonly isGranted: boolean;
  /** The order of claims of one id: the greater is the newer. */
  readonly stamp: number;
  /** Who held the id until now, or holds it still. */
  readonly other: { readonly owner: string; readonly key: string } | null;
};

/** What a backbone tells. */
export interface BackboneListener {
  /** Connected, and the channels are heard. Called again after each loss. */
  up(): void;
  /** Called once for each `up`, or for a first try that failed. */
  down(because: string): void;
  /** Bytes from a channel, in the order sent by one process; whose they are they say themselves. */
  received(bytes: Buffer): void;
  /** This engine can never be used, and why. */
  refused(because: string): void;
}

/**
 * One technology that joins processes: channels (an inbox for each process, one for all), a table of leases, and estates.
 * An *estate* is what the engine remembers of the connections of a process; it has one holder, and its name is never used
 * twice: it is the token that fences off a process that was taken for dead. Every method rejects when the engine cannot
 * be asked; none waits for it to come back.
 */
export interface Backbone {
  /** Begins to connect, and never gives up. */
  start(listener: BackboneListener): void;
  /** Begins the lease with a new, empty estate. Says which others of this process are left over from before. */
  join(estate: string): Promise<readonly string[]>;
  /** Makes the lease of the process begin anew. */
  renew(estate: string): Promise<Standing>;
  /** Whose lease runs, this process too. */
  members(): Promise<readonly Member[]>;
  /** Ends the lease; what is in the estate waits for an heir. */
  leave(): Promise<void>;

  /** Makes this process the holder of all estates whose holder's lease has ended. Of several that ask, one gets each. */
  inherit(): Promise<readonly string[]>;
  /** What is in an estate; what cannot be read is left out. */
  read(estate: string): Promise<readonly LedgerEntry[]>;
  /** Of one call, `opened` counts before `forgotten`. False: the estate is not this process's any more, nothing was written. */
  write(estate: string, opened: readonly LedgerEntry[], forgotten: readonly string[]): Promise<boolean>;
  remove(estate: string): Promise<void>;

  /** A client-chosen id. `stamp` null is a new claim, else one that was made before and is told again: the newest wins. */
  claim(claim: Claim & { readonly mayReplace: boolean; readonly stamp: number | null }): Promise<ClaimVerdict>;
  /** Ends the claim, if it is still this one. */
  release(claim: Claim): Promise<void>;
  /** The living process that claimed the id, or whose owner token the id begins with. */
  locate(id: string): Promise<string | null>;

  /** False: nobody listens there, nothing was sent. Calls keep their order. */
  send(owner: string, bytes: Buffer): Promise<boolean>;
  sendAll(bytes: Buffer): Promise<void>;
  /** Largest envelope that the engine carries. */
  readonly maxBytes: number;
  /** Drops the connections and makes new ones: the engine does not answer. */
  reset(because: string): void;
  /** Idempotent. */
  close(): Promise<void>;
}
