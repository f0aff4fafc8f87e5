import type { Bus, Ledger, Log } from '../core/ports.ts';
import type { BackboneOptions } from './backbone.ts';
import type { LeaseTimes } from './membership.ts';

export type EngineOptions = Omit<BackboneOptions, 'leaseMs'> & {
  readonly log: Log;
  readonly lease: LeaseTimes;
  readonly garbageCame: (messages: number) => void;
};

export type Engine = {
  readonly name: string;
  readonly bus: Bus;
  readonly ledger: Ledger;
  /** Why the cluster cannot be asked now, or null. */
  readonly problem: () => string | null;
  /** Was this process away for so long that others may have taken it for dead? Then it lets nobody in until it knows. */
  readonly isInDoubt: () => boolean;
  /** Ms since the lease was last renewed; null where there is none. */
  readonly leaseAgeMs: () => number | null;
};

/** CLUSTER_URL names what can never join machines; the message says why. */
export class EngineRefused extends Error {
  /** Of a mistake in the configuration (sysexits.h, EX_CONFIG). */
  readonly exitCode = 78;

  constructor(because: string) {
    super(`CLUSTER_URL: ${because}`);
    this.name = 'EngineRefused';
  }
}
