import { suite } from 'node:test';
import { ledgerContract } from '../contracts/ledger.ts';
import { missing, startEngine, type EngineKind } from '../support/engine-server.ts';
import { houseOn, joinCluster } from './cluster-members.ts';

/** What every ledger keeps, on a real engine of this kind. */
export function ledgerOn(kind: EngineKind): void {
  suite(kind, { skip: missing(kind) }, () => {
    ledgerContract({
      name: kind,
      level: 'node',
      async create(t) {
        const { url } = await startEngine(t, kind);
        return (await joinCluster(t, url)).ledger;
      },
      house: houseOn((t) => startEngine(t, kind)),
    });
  });
}
