import { suite } from 'node:test';
import { missing } from '../../support/engine-server.ts';
import { clusterContract } from '../cluster-contract.ts';

suite('nats', { skip: missing('nats') }, () => clusterContract('nats'));
