import { missing } from '../support/engine-server.ts';
import { clusterSuite } from './cluster-suite.ts';

clusterSuite('redis', missing('redis'));
