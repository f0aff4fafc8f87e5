import type { Backbone, BackboneOptions } from './backbone.ts';
import { EngineRefused, type Engine, type EngineOptions } from './engine.ts';
import { realTime } from './real-time.ts';

export { EngineRefused, type Engine, type EngineOptions } from './engine.ts';

type Technology = { readonly name: string; readonly create: (options: BackboneOptions) => Promise<Backbone> };

const redis: Technology = {
  name: 'redis',
  create: async (options) => (await import('./redis/backbone.ts')).createRedisBackbone(options),
};

const nats: Technology = {
  name: 'nats',
  create: async (options) => (await import('./nats/backbone.ts')).createNatsBackbone(options),
};

/** The engines that join machines, by the scheme of CLUSTER_URL. Each is loaded when it is used. */
const TECHNOLOGIES: Readonly<Record<string, Technology>> = {
  redis,
  rediss: redis,
  'redis+sentinel': redis,
  nats,
  tls: nats,
};

/** Joins the cluster. An engine that does not answer is tried on and on; one that can never serve rejects with EngineRefused. */
export async function openEngine({ lease, log, garbageCame, ...options }: EngineOptions): Promise<Engine> {
  const { url, owner, node, timeoutMs } = options;
  const scheme = url.slice(0, url.indexOf(':'));
  const technology = TECHNOLOGIES[scheme];
  if (technology === undefined) throw new EngineRefused(`must begin with ${SCHEMES.join(', ')}; came ${scheme}://`);
  const backbone = await technology
    .create({ ...options, leaseMs: lease.leaseMs })
    .catch((error: Error) => Promise.reject(new EngineRefused(error.message)));
  // with the schemas of all that nodes say, a tenth of a start: only who has a cluster loads it
  const { joinBy } = await import('./join-by.ts');
  return joinBy(backbone, { name: technology.name, lease, log, garbageCame, owner, node, timeoutMs, time: realTime });
}

/** What CLUSTER_URL may begin with. */
export const SCHEMES: readonly string[] = Object.keys(TECHNOLOGIES).map((scheme) => `${scheme}://`);
