import { after, before, suite } from 'node:test';
import { startCluster, type Cluster } from '../support/cluster.ts';
import type { EngineKind } from '../support/engine-server.ts';
import { clusterCommands } from './cluster-commands.ts';
import { clusterFaults } from './cluster-faults.ts';

/** Three real gateways on one real engine of this kind, which all tests share: a start costs more than most of them. */
export function clusterSuite(kind: EngineKind, skip: string | false): void {
  suite(`three gateways on ${kind}`, { skip }, () => {
    let cluster: Cluster;
    const closers: (() => unknown)[] = [];
    const whole = { after: (close: unknown) => void closers.push(close as () => unknown) };
    before(async () => {
      cluster = await startCluster(whole, kind);
    });
    after(async () => {
      for (const close of closers.toReversed()) await close();
    });
    const scene = (): Cluster => cluster;
    clusterCommands(kind, scene);
    clusterFaults(scene, whole);
  });
}
