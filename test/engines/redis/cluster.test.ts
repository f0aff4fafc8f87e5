import { suite } from 'node:test';
import { missing } from '../../support/engine-server.ts';
import { clusterContract } from '../cluster-contract.ts';

suite('redis', { skip: missing('redis') }, () => clusterContract('redis'));
