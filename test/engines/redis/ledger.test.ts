import { suite } from 'node:test';
import { ledgerContract } from '../../contracts/ledger.ts';
import { missing, startEngine } from '../../support/engine-server.ts';
import { houseOn, joinCluster } from '../cluster-members.ts';

suite('redis', { skip: missing('redis') }, () => {
  ledgerContract({
    name: 'redis',
    level: 'node',
    async create(t) {
      const { url } = await startEngine(t, 'redis');
      return (await joinCluster(t, url)).ledger;
    },
    house: houseOn((t) => startEngine(t, 'redis')),
  });
});
