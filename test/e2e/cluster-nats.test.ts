import { suite } from 'node:test';
import { missing } from '../support/engine-server.ts';
import { clusterJourneys } from './cluster-journeys.ts';

suite('three gateways on nats', { skip: missing('nats') }, () => clusterJourneys('nats'));
