import type { Bus, Ledger, Log } from '../core/ports.ts';
import type { Backbone, BackboneOptions } from './backbone.ts';
import { ClusterBus } from './cluster-bus.ts';
import { ClusterLedger } from './cluster-ledger.ts';
import { LEASE, Membership, type LeaseTimes } from './membership.ts';

/** The engines that join machines, by the scheme of CLUSTER_URL. Each is loaded when it is used. */
const BACKBONES: Readonly<Record<string, (options: BackboneOptions) => Promise<Backbone>>> = {
  redis: async (options) => (await import('./redis/backbone.ts')).createRedisBackbone(options),
  rediss: async (options) => (await import('./redis/backbone.ts')).createRedisBackbone(options),
  'redis+sentinel': async (options) => (await import('./redis/backbone.ts')).createRedisBackbone(options),
};

export type EngineOptions = Omit<BackboneOptions, 'leaseMs'> & { readonly log: Log; readonly lease?: LeaseTimes };

export type Engine = {
  readonly name: string;
  readonly bus: Bus;
  readonly ledger: Ledger;
  /** Why the cluster cannot be asked now, or null. */
  readonly problem: () => string | null;
};

/** Joins the cluster. An engine that does not answer is tried on and on; one that can never serve rejects, with the reason. */
export async function openEngine({ lease = LEASE, log, ...options }: EngineOptions): Promise<Engine> {
  const { url, owner, node, timeoutMs } = options;
  const scheme = url.slice(0, url.indexOf(':'));
  const create = BACKBONES[scheme];
  if (create === undefined) throw new Error(`CLUSTER_URL: must begin with ${SCHEMES.join(', ')}; came ${scheme}://`);
  const backbone = await create({ ...options, leaseMs: lease.leaseMs });
  const membership = new Membership({ ...lease, backbone, owner, node, timeoutMs, log });
  const shared = { backbone, membership, timeoutMs, log };
  const ledger = new ClusterLedger(shared);
  const bus = new ClusterBus(shared);
  const tenant = {
    get isDirty() {
      return ledger.isDirty;
    },
    restore: (estate: string) => ledger.restore(estate),
    lost: () => bus.disown(ledger.lost()),
    entered: () => bus.entered(node),
    bereaved: () => {
      if (!ledger.isInheriting) bus.bereaved();
    },
  };
  try {
    await membership.start(tenant, (bytes) => bus.received(bytes));
  } catch (error) {
    await ledger.close();
    throw error;
  }
  return { name: scheme.replace(/s?(\+.*)?$/, ''), bus, ledger, problem: () => membership.problem };
}

/** What CLUSTER_URL may begin with. */
export const SCHEMES: readonly string[] = Object.keys(BACKBONES).map((scheme) => `${scheme}://`);
