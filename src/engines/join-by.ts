import type { Backbone } from './backbone.ts';
import { ClusterBus } from './cluster-bus.ts';
import { ClusterLedger } from './cluster-ledger.ts';
import { EngineRefused, type Engine, type EngineOptions } from './engine.ts';
import { Membership } from './membership.ts';
import type { RealTime } from './real-time.ts';

export type JoiningOptions = Pick<EngineOptions, 'owner' | 'node' | 'timeoutMs' | 'log' | 'lease' | 'garbageCame'> & {
  readonly name: string;
  readonly time: RealTime;
};

/** Bus and ledger on a backbone. */
export async function joinBy(backbone: Backbone, options: JoiningOptions): Promise<Engine> {
  const { name, lease, log, garbageCame, owner, node, timeoutMs, time } = options;
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
