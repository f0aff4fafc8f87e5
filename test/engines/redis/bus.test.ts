import { suite } from 'node:test';
import { busContract } from '../../contracts/bus.ts';
import { missing, startEngine } from '../../support/engine-server.ts';
import { busesOn } from '../cluster-members.ts';

suite('redis', { skip: missing('redis') }, () => {
  busContract('redis', { processes: 3, create: busesOn((t) => startEngine(t, 'redis')) });
});
