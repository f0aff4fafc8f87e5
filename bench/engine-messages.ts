import { freePort } from '../test/support/free-port.ts';
import { startEngine, type EngineKind, type EngineServer } from '../test/support/engine-server.ts';

/** An engine that tells how many messages it was given since its start, those of leases included. */
export type CountedEngine = EngineServer & { readonly messages: () => Promise<number> };

export async function startCounted(t: Parameters<typeof startEngine>[0], kind: EngineKind): Promise<CountedEngine> {
  const monitor = await freePort();
  const engine = await startEngine(t, kind, kind === 'nats' ? ['--http_port', String(monitor)] : []);
  return { ...engine, messages: () => (kind === 'nats' ? receivedByNats(monitor) : publishedInRedis(engine.port)) };
}

async function publishedInRedis(port: number): Promise<number> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(port, '127.0.0.1');
  const facts = await redis.info('commandstats');
  redis.disconnect();
  return Number(/cmdstat_publish:calls=(\d+)/.exec(facts)?.[1] ?? 0);
}

async function receivedByNats(monitor: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${monitor}/varz`);
  return ((await answer.json()) as { in_msgs: number }).in_msgs;
}
