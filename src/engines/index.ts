import type { Bus, Ledger, Log } from '../core/ports.ts';
import type { Backbone, BackboneOptions } from './backbone.ts';
import { ClusterLedger } from './cluster-ledger.ts';
import { Membership, type LeaseTimes } from './membership.ts';
import { realTime, type RealTime } from './real-time.ts';

type Technology = { readonly name: string; readonly create: (options: BackboneOptions) => Promise<Backbone> };

const redis: Technology = {
  name: 'redis',
  create: async (options) => (await import('./redis/backbone.ts')).createRedisBackbone(options),
};

const nats: Technology = {
  name: 'nats',
  create: async (options) => (await import('./nats/backbone.ts')).createNatsBackbone(options),
};

/** The engines that join machines, by the scheme of CLUSTER_URL. Each is loaded when it is used. */
const TECHNOLOGIES: Readonly<Record<string, Technology>> = {
  redis,
  rediss: redis,
  'redis+sentinel': redis,
  nats,
  tls: nats,
};

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

/** Joins the cluster. An engine that does not answer is tried on and on; one that can never serve rejects with EngineRefused. */
export async function openEngine({ lease, log, garbageCame, ...options }: EngineOptions): Promise<Engine> {
  const { url, owner, node, timeoutMs } = options;
  const scheme = url.slice(0, url.indexOf(':'));
  const technology = TECHNOLOGIES[scheme];
  if (technology === undefined) throw new EngineRefused(`must begin with ${SCHEMES.join(', ')}; came ${scheme}://`);
  const backbone = await technology
    .create({ ...options, leaseMs: lease.leaseMs })
    .catch((error: Error) => Promise.reject(new EngineRefused(error.message)));
  return joinBy(backbone, { name: technology.name, lease, log, garbageCame, owner, node, timeoutMs, time: realTime });
}

export type JoiningOptions = Pick<EngineOptions, 'owner' | 'node' | 'timeoutMs' | 'log' | 'lease' | 'garbageCame'> & {
  readonly name: string;
  readonly time: RealTime;
};

/** Bus and ledger on a backbone. */
export async function joinBy(backbone: Backbone, options: JoiningOptions): Promise<Engine> {
  const { name, lease, log, garbageCame, owner, node, timeoutMs, time } = options;
  const { ClusterBus } = await import('./cluster-bus.ts'); // with the schemas of all that nodes say, a tenth of a start: only who has a cluster loads it
  const membership = new Membership({ ...lease, backbone, owner, node, timeoutMs, log, time });
  const shared = { backbone, membership, timeoutMs, log };
  const ledger = new ClusterLedger(shared);
  const bus = new ClusterBus({ ...shared, node, garbageCame });
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
    throw new EngineRefused((error as Error).message);
  }
  return {
    name,
    bus,
    ledger,
    problem: () => membership.problem,
    isInDoubt: () => membership.isInDoubt,
    leaseAgeMs: () => membership.leaseAgeMs,
  };
}

/** What CLUSTER_URL may begin with. */
export const SCHEMES: readonly string[] = Object.keys(TECHNOLOGIES).map((scheme) => `${scheme}://`);
