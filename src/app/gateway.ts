import { Gateway } from '../core/gateway.ts';
import { whyClosed } from '../engines/joining.ts';
import type { Routing } from '../routes/routing.ts';
import type { Base } from './base.ts';
import type { Surroundings } from './surroundings.ts';

export function openGateway({ config, log, node }: Base, surroundings: Surroundings, routing: Routing): Gateway {
  const { clock, owner, metrics, observers, observatory, joined, files } = surroundings;
  return new Gateway({
    clock,
    log,
    observer: observers,
    ledger: joined.ledger,
    bus: joined.bus,
    node,
    owner,
    limits: {
      maxConnections: config.MAX_CONNECTIONS || files.clients,
      maxConnectionsPerIp: config.MAX_CONNECTIONS_PER_IP || Infinity,
    },
    openConcurrency: config.OPEN_CONCURRENCY,
    openQueue: config.OPEN_QUEUE,
    openQueueTimeoutMs: config.OPEN_QUEUE_TIMEOUT_MS,
    closeConcurrency: config.CLOSE_CONCURRENCY,
    closeBacklog: config.CLOSE_BACKLOG,
    whyClosed: () => whyClosed(joined, config.REQUIRE_BUS === 'true'),
    metrics: (census) => Promise.resolve(metrics.families(census)),
    observe: (question, standing) => observatory.answer(question, standing),
    routeOf: routing.byName,
  });
}
